package register

import (
	"encoding"
	"reflect"
	"strings"

	"birgeoqy.kz/almasu/internal/record"
)

// Schemas returns the JSON Schemas (2020-12) of the register's files, for editors, by the name of the file; "routes/*.yaml" stands for each
// route. They say what keys there are and which must be there; the loader checks more.
func Schemas() map[string][]byte {
	table := func(key string, row any) any {
		return object(map[string]any{key: map[string]any{"type": "array", "items": schemaOf(reflect.TypeOf(row))}}, []string{key})
	}
	out := make(map[string][]byte)
	for name, schema := range map[string]any{
		FileOperator: schemaOf(reflect.TypeFor[Operator]()), FileFields: table("fields", Field{}), FilePolicies: table("policies", Policy{}),
		FileActs: table("acts", Act{}), FilePurposes: table("purposes", Purpose{}), FileRecipients: table("recipients", Recipient{}),
		FileAdministrators: table("administrators", Administrator{}), FileApprovals: table("approvals", Approval{}),
		RoutesDir + "/*" + routeSuffix: schemaOf(reflect.TypeFor[Route]()),
	} {
		m := schema.(map[string]any)
		m["$schema"] = "https://json-schema.org/draft/2020-12/schema"
		m["title"] = name
		out[name] = append(Canonical(m), '\n')
	}
	return out
}

func object(properties map[string]any, required []string) map[string]any {
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
}

// closed lists the values of keys that have a closed list, by struct and key.
var closed = map[string][]string{
	"Field.class": {ClassProfile, ClassTechnical}, "Field.subject": {"user", "parent"}, "Field.format": {"text", "email", "iin", "phone", "place", "technical"},
	"Act.type": actTypes, "Purpose.class": {PurposePolicy, PurposeNamed, PurposeStatute, PurposeStatistics}, "Recipient.kind": kinds,
	"Channel.channel": channels, "Route.channel": channels, "Route.trigger": {TriggerSchedule, TriggerRequest}, "Route.path": {PathConsent, PathStatute},
	"Route.exception": {"5.2", "5.3", "written_permission"}, "Route.marking": {"ordinary"}, "Administrator.role": {RoleAdministration},
	"Aggregate.by": AggregateBy, "Approval.kind": {ApproveRoute, ApprovePolicy},
}

var textual = reflect.TypeFor[encoding.TextUnmarshaler]()

func schemaOf(t reflect.Type) any {
	switch {
	case t.Kind() == reflect.Pointer:
		return schemaOf(t.Elem())
	case t == reflect.TypeFor[record.Digest]():
		return map[string]any{"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
	case reflect.PointerTo(t).Implements(textual):
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Struct:
		return structSchema(t)
	}
	// Numbers count as texts: ids of articles may be written without quotes.
	return map[string]any{"type": []string{"string", "number"}}
}

func structSchema(t reflect.Type) any {
	properties := make(map[string]any)
	required := []string{}
	for i := range t.NumField() {
		key, option, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if key == "" || key == "-" {
			continue
		}
		properties[key] = schemaOf(t.Field(i).Type)
		if values := closed[t.Name()+"."+key]; values != nil {
			properties[key] = map[string]any{"enum": values}
		}
		if option != "optional" {
			required = append(required, key)
		}
	}
	return object(properties, required)
}
