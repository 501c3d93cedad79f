package docstest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rows are the cells of docs/threats.md's table.
func rows(t *testing.T) [][]string {
	t.Helper()
	var out [][]string
	for line := range strings.Lines(read(t, "docs/threats.md")) {
		if !strings.HasPrefix(line, "| T") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		out = append(out, cells)
	}
	return out
}

// TestThreats holds that every threat has a control, a place, a default and tests, and that places and tests exist.
func TestThreats(t *testing.T) {
	names := declared(sources(t))
	all := rows(t)
	if len(all) < 30 {
		t.Errorf("only %d threats", len(all))
	}
	for i, row := range all {
		if len(row) != 6 || slices.Contains(row, "") {
			t.Errorf("row %d has %d cells, or an empty one", i+1, len(row))
			continue
		}
		id := row[0]
		if id != fmt.Sprintf("T%d", i+1) {
			t.Errorf("%s stands where T%d is expected", id, i+1)
		}
		where, tests := codeSpan.FindAllStringSubmatch(row[3], -1), codeSpan.FindAllStringSubmatch(row[5], -1)
		if len(where) == 0 || len(tests) == 0 {
			t.Errorf("%s: %d places, %d tests", id, len(where), len(tests))
		}
		for _, m := range where {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil && !names[m[1]] {
				t.Errorf("%s: %s is no symbol and no file", id, m[1])
			}
		}
		for _, m := range tests {
			if last := m[1][strings.LastIndexByte(m[1], '.')+1:]; !names[m[1]] || !strings.HasPrefix(last, "Test") {
				t.Errorf("%s: %s is no test", id, m[1])
			}
		}
	}
}

// hardening are directives that a unit must have, with what their values must be.
var hardening = map[string]string{
	"LimitCORE": "0", "UMask": "0077", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "AmbientCapabilities": "", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
	"PrivateDevices": "yes", "PrivateUsers": "yes", "ProtectClock": "yes", "ProtectHostname": "yes", "ProtectKernelLogs": "yes", "ProtectKernelModules": "yes",
	"ProtectKernelTunables": "yes", "ProtectControlGroups": "yes", "ProtectProc": "invisible", "ProcSubset": "pid", "RestrictNamespaces": "yes", "RestrictRealtime": "yes",
	"RestrictSUIDSGID": "yes", "RemoveIPC": "yes", "LockPersonality": "yes", "MemoryDenyWriteExecute": "yes", "SystemCallArchitectures": "native",
	"SystemCallFilter": "@system-service",
}

var exposure = regexp.MustCompile(`Overall exposure level for .*: ([0-9.]+)`)

// TestUnitsAreHardened holds that the units have the directives, and that systemd, where it is installed, finds them little exposed.
func TestUnitsAreHardened(t *testing.T) {
	for _, unit := range []string{"deploy/systemd/almasu.service", "deploy/systemd/almasu-retention.service", "deploy/systemd/authority.service"} {
		lines := strings.Split(read(t, unit), "\n")
		for key, value := range hardening {
			if !slices.Contains(lines, key+"="+value) {
				t.Errorf("%s has no %s=%s", unit, key, value)
			}
		}
		for _, line := range lines {
			if strings.HasPrefix(line, "Environment") {
				t.Errorf("%s: %s: secrets stand in files", unit, line)
			}
		}
		tool, err := exec.LookPath("systemd-analyze")
		if err != nil {
			t.Logf("systemd-analyze is not installed: the exposure of %s is not measured", unit)
			continue
		}
		out, err := exec.Command(tool, "security", "--offline=true", "--no-pager", filepath.Join(root, unit)).CombinedOutput()
		m := exposure.FindStringSubmatch(string(out))
		if m == nil {
			t.Logf("systemd-analyze does not measure here: %v", err)
			continue
		}
		if len(m[1]) != 3 || m[1] > "1.9" {
			t.Errorf("%s: exposure %s", unit, m[1])
		}
	}
	image := read(t, "deploy/container/Dockerfile")
	for _, want := range []string{"FROM scratch", "USER 10001:10001", "CGO_ENABLED=0", "go mod verify", "--read-only --cap-drop ALL --security-opt no-new-privileges"} {
		if !strings.Contains(image, want) {
			t.Errorf("the container file has no %q", want)
		}
	}
}

// TestLicencesOfModules makes the bill of materials: every module that is linked has a licence that is allowed.
func TestLicencesOfModules(t *testing.T) {
	cmd := exec.Command("./.ci/sbom", t.TempDir())
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOPROXY=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "modules, each with a licence that is allowed") {
		t.Errorf("%s", out)
	}
}
