// Package mapping turns cleared people into a recipient's document, by a table of fields.
package mapping
