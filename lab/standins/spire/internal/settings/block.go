// Package settings reads the configuration files of SPIRE's server and agent: HCL or JSON, unknown keys refused.
package settings

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl"
)

// block is one section of a file. What is read from it is ticked off; what remains in the end is an unknown key.
type block struct {
	path   string
	values map[string]any
	read   map[string]bool
	faults *[]string
}

// parse reads a file; with expand, $NAME is replaced from the environment first.
func parse(file string, expand bool) (*block, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("could not read the configuration: %w", err)
	}
	if expand {
		text = []byte(os.ExpandEnv(string(text)))
	}
	var values map[string]any
	if err := hcl.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("%s is neither HCL nor JSON: %w", file, err)
	}
	return &block{values: values, read: map[string]bool{}, faults: new([]string)}, nil
}

func (b *block) fault(key, format string, values ...any) {
	*b.faults = append(*b.faults, b.name(key)+": "+fmt.Sprintf(format, values...))
}

func (b *block) name(key string) string { return strings.TrimPrefix(b.path+"."+key, ".") }

func (b *block) take(key string) (any, bool) {
	b.read[key] = true
	value, there := b.values[key]
	return value, there
}

// text is a string or a number as the file says it, else the default.
func (b *block) text(key, otherwise string) string {
	value, there := b.take(key)
	if !there {
		return otherwise
	}
	switch given := value.(type) {
	case string:
		return given
	case int:
		return strconv.Itoa(given)
	}
	b.fault(key, "%v is no text", value)
	return otherwise
}

// needed is a text that must be there.
func (b *block) needed(key string) string {
	value := b.text(key, "")
	if value == "" {
		b.fault(key, "must be set")
	}
	return value
}

func (b *block) duration(key string, otherwise time.Duration) time.Duration {
	text := b.text(key, "")
	if text == "" {
		return otherwise
	}
	value, err := time.ParseDuration(text)
	if err != nil || value <= 0 {
		b.fault(key, "%q is no duration such as 24h", text)
		return otherwise
	}
	return value
}

func (b *block) yes(key string, otherwise bool) bool {
	value, there := b.take(key)
	if !there {
		return otherwise
	}
	switch given := value.(type) {
	case bool:
		return given
	case string:
		if yes, err := strconv.ParseBool(given); err == nil {
			return yes
		}
	}
	b.fault(key, "%v is neither true nor false", value)
	return otherwise
}

func (b *block) list(key string) []string {
	value, there := b.take(key)
	if !there {
		return nil
	}
	var result []string
	if items, ok := value.([]any); ok {
		for _, item := range items {
			result = append(result, fmt.Sprint(item))
		}
		return result
	}
	b.fault(key, "%v is no list", value)
	return nil
}

// block is a section below this one, empty when it is not there. HCL gives every object as a list of objects.
func (b *block) block(key string) *block {
	below := &block{path: b.name(key), values: map[string]any{}, read: map[string]bool{}, faults: b.faults}
	value, _ := b.take(key)
	var objects []any
	switch given := value.(type) {
	case nil:
	case []map[string]any:
		for _, object := range given {
			objects = append(objects, object)
		}
	case []any:
		objects = given
	default:
		objects = []any{given}
	}
	for _, object := range objects {
		values, ok := object.(map[string]any)
		if !ok {
			b.fault(key, "%v is no section", object)
			continue
		}
		for name, value := range values {
			below.values[name] = value
		}
	}
	return below
}

func (b *block) has(key string) bool {
	_, there := b.values[key]
	return there
}

// without names keys that the real program knows and that change nothing here.
func (b *block) without(keys ...string) {
	for _, key := range keys {
		b.read[key] = true
	}
}

// refuse names keys that the real program knows and that cannot be done here.
func (b *block) refuse(keys ...string) {
	for _, key := range keys {
		b.read[key] = true
		if b.has(key) {
			b.fault(key, "this stand-in cannot do that")
		}
	}
}

// done reports the keys that nobody asked for.
func (b *block) done() {
	var unknown []string
	for key := range b.values {
		if !b.read[key] {
			unknown = append(unknown, b.name(key))
		}
	}
	sort.Strings(unknown)
	for _, key := range unknown {
		*b.faults = append(*b.faults, "unknown configuration detected: "+key)
	}
}

func (b *block) err(file string) error {
	if len(*b.faults) == 0 {
		return nil
	}
	return fmt.Errorf("%s is refused:\n  %s", file, strings.Join(*b.faults, "\n  "))
}
