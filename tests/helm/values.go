// SPDX-License-Identifier: Apache-2.0
package main

// Values: the files of the chart and of the user, --set, and the schema that the result must meet.

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/xeipuuv/gojsonschema"
	"sigs.k8s.io/yaml"
)

type values = map[string]interface{}

// parse reads a YAML mapping. Older versions of helm make every number a float64, which prints 1e+06.
func parse(text []byte, exact bool) (values, error) {
	out := values{}
	var options []yaml.JSONOpt
	if exact {
		options = append(options, func(d *json.Decoder) *json.Decoder { d.UseNumber(); return d })
	}
	return out, yaml.Unmarshal(text, &out, options...)
}

// merge lays over on base: mappings are merged, all else is replaced.
func merge(base, over values) values {
	for key, value := range over {
		below, isMap := base[key].(values)
		if above, both := value.(values); isMap && both {
			base[key] = merge(below, above)
		} else {
			base[key] = value
		}
	}
	return base
}

// coalesce lays the user's values on the chart's: null removes a default.
func coalesce(chart, user values) values {
	for key, value := range user {
		below, isMap := chart[key].(values)
		above, both := value.(values)
		switch {
		case value == nil:
			delete(chart, key)
		case isMap && both:
			chart[key] = coalesce(below, above)
		default:
			chart[key] = value
		}
	}
	return chart
}

// split cuts at the separator where it is neither escaped nor inside braces.
func split(text string, separator rune) (parts []string) {
	part, escaped, depth := "", false, 0
	for _, r := range text {
		switch {
		case escaped:
			if r != separator {
				part += `\`
			}
			part, escaped = part+string(r), false
			continue
		case r == '\\':
			escaped = true
			continue
		case r == '{':
			depth++
		case r == '}':
			depth--
		case r == separator && depth == 0:
			parts, part = append(parts, part), ""
			continue
		}
		part += string(r)
	}
	return append(parts, part)
}

func scalar(text string, isString bool) interface{} {
	if isString {
		return text
	}
	switch text {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && (text == "0" || text[0] != '0') {
		return n
	}
	return text
}

var index = regexp.MustCompile(`^(.*?)((?:\[\d+\])*)$`)

// put stores a value below a node, and returns the node: path elements are names and list indices.
func put(node interface{}, path []interface{}, value interface{}) (interface{}, error) {
	if len(path) == 0 {
		return value, nil
	}
	var err error
	if n, isIndex := path[0].(int); isIndex {
		items, _ := node.([]interface{})
		if n > 1000 {
			return nil, fmt.Errorf("index %d is too large", n)
		}
		for len(items) <= n {
			items = append(items, nil)
		}
		items[n], err = put(items[n], path[1:], value)
		return items, err
	}
	mapping, isMap := node.(values)
	if !isMap {
		mapping = values{}
	}
	mapping[path[0].(string)], err = put(mapping[path[0].(string)], path[1:], value)
	return mapping, err
}

// set applies one --set argument: a.b=1,c[0].d=x,e={f,g}.
func set(into values, argument string, isString bool) error {
	for _, assignment := range split(argument, ',') {
		pair := strings.SplitN(assignment, "=", 2)
		if len(pair) != 2 {
			return fmt.Errorf("--set: key %q has no value", assignment)
		}
		var path []interface{}
		for _, name := range split(pair[0], '.') {
			m := index.FindStringSubmatch(name)
			path = append(path, m[1])
			for _, n := range regexp.MustCompile(`\d+`).FindAllString(m[2], -1) {
				i, _ := strconv.Atoi(n)
				path = append(path, i)
			}
		}
		value := scalar(pair[1], isString)
		if text := pair[1]; strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
			items := []interface{}{}
			for _, item := range split(text[1:len(text)-1], ',') {
				items = append(items, scalar(item, isString))
			}
			value = items
		}
		if _, err := put(into, path, value); err != nil {
			return fmt.Errorf("--set: %w", err)
		}
	}
	return nil
}

func userValues(o options) (values, error) {
	out := values{}
	for _, path := range o.files {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		file, err := parse(text, o.numbers)
		if err != nil {
			return nil, fmt.Errorf("failed to parse %s: %w", path, err)
		}
		merge(out, file)
	}
	for _, argument := range o.sets {
		if err := set(out, argument, false); err != nil {
			return nil, err
		}
	}
	for _, argument := range o.setStrings {
		if err := set(out, argument, true); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// validate checks values against the chart's values.schema.json, with the words of helm.
func validate(schema []byte, v values) error {
	document, err := json.Marshal(v)
	if err != nil {
		return err
	}
	result, err := gojsonschema.Validate(gojsonschema.NewBytesLoader(schema), gojsonschema.NewBytesLoader(document))
	if err != nil {
		return err
	}
	if result.Valid() {
		return nil
	}
	text := "values don't meet the specifications of the schema(s) in the following chart(s):"
	for _, mistake := range result.Errors() {
		text += "\n- " + mistake.String()
	}
	return errors.New(text)
}
