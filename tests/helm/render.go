// SPDX-License-Identifier: Apache-2.0
package main

// Templates: the functions that helm adds to sprig's, and the objects that a template sees.

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/semver"
	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

const maxIncludes = 1000

func toYAML(v interface{}) string {
	text, err := yaml.Marshal(v)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(text), "\n")
}

func mustToYAML(v interface{}) (string, error) {
	text, err := yaml.Marshal(v)
	return strings.TrimSuffix(string(text), "\n"), err
}

func fromYAML(text string) values {
	out := values{}
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		out["Error"] = err.Error()
	}
	return out
}

func fromYAMLArray(text string) []interface{} {
	out := []interface{}{}
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		out = []interface{}{err.Error()}
	}
	return out
}

func toJSON(v interface{}) string {
	text, _ := json.Marshal(v)
	return string(text)
}

func required(message string, v interface{}) (interface{}, error) {
	if text, isString := v.(string); v == nil || isString && text == "" {
		return v, errors.New(message)
	}
	return v, nil
}

// functions returns what templates of t may call. sprig's env and expandenv would show them the machine.
func functions(t *template.Template) template.FuncMap {
	funcs := sprig.TxtFuncMap()
	delete(funcs, "env")
	delete(funcs, "expandenv")
	depth := 0
	execute := func(t *template.Template, name string, data interface{}) (string, error) {
		if depth++; depth > maxIncludes {
			return "", fmt.Errorf("rendering template has a nested reference name: %s", name)
		}
		defer func() { depth-- }()
		var out strings.Builder
		err := t.ExecuteTemplate(&out, name, data)
		return strings.ReplaceAll(out.String(), "<no value>", ""), err
	}
	add := template.FuncMap{
		"toYaml": toYAML, "mustToYaml": mustToYAML, "fromYaml": fromYAML, "fromYamlArray": fromYAMLArray,
		"toJson": toJSON, "fromJson": fromYAML, "fromJsonArray": fromYAMLArray, "required": required,
		"fail":          func(message string) (string, error) { return "", errors.New(message) },
		"lookup":        func(...string) (values, error) { return values{}, nil },
		"getHostByName": func(string) string { return "" },
		"include":       func(name string, data interface{}) (string, error) { return execute(t, name, data) },
		"tpl": func(text string, data interface{}) (string, error) {
			clone, err := t.Clone()
			if err != nil {
				return "", err
			}
			if _, err = clone.New("tpl").Parse(text); err != nil {
				return "", err
			}
			return execute(clone, "tpl", data)
		},
	}
	for name, f := range add {
		funcs[name] = f
	}
	return funcs
}

// files is what templates see as .Files: all of the chart but its templates.
type files map[string][]byte

func (f files) Get(name string) string { return string(f[name]) }

func (f files) GetBytes(name string) []byte { return f[name] }

func (f files) Lines(name string) []string {
	return strings.Split(strings.TrimSuffix(f.Get(name), "\n"), "\n")
}

func (f files) Glob(pattern string) files {
	out := files{}
	for name, text := range f {
		if matches, _ := path.Match(pattern, name); matches {
			out[name] = text
		}
	}
	return out
}

func (f files) AsConfig() string {
	out := map[string]string{}
	for name, text := range f {
		out[path.Base(name)] = string(text)
	}
	return toYAML(out)
}

func (f files) AsSecrets() string {
	out := map[string][]byte{}
	for name, text := range f {
		out[path.Base(name)] = text
	}
	return toYAML(out)
}

type apiVersions []string

func (a apiVersions) Has(name string) bool {
	for _, one := range a {
		if one == name {
			return true
		}
	}
	return false
}

type kubeVersion struct{ Version, Major, Minor string }

func (k kubeVersion) String() string     { return k.Version }
func (k kubeVersion) GitVersion() string { return k.Version }

func capabilities(o options) (values, *semver.Version, error) {
	version, err := semver.NewVersion(o.kube)
	if err != nil {
		return nil, nil, fmt.Errorf("--kube-version %s: %w", o.kube, err)
	}
	kube := kubeVersion{"v" + version.String(), fmt.Sprint(version.Major()), fmt.Sprint(version.Minor())}
	apis := append(apiVersions{"v1", "apps/v1", "networking.k8s.io/v1"}, o.apis...)
	return values{"KubeVersion": kube, "APIVersions": apis, "HelmVersion": values{"Version": "v3.16.0"}}, version, nil
}

// load reads the chart's folder: its files by their path inside of it.
func load(folder string) (templates map[string]string, others files, err error) {
	templates, others = map[string]string{}, files{}
	err = filepath.Walk(folder, func(name string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		inside, _ := filepath.Rel(folder, name)
		if strings.HasPrefix(inside, "templates/") {
			templates[inside] = string(text)
		} else {
			others[inside] = text
		}
		return err
	})
	return templates, others, err
}

// chartFile reads Chart.yaml; templates see its keys with a capital letter.
func chartFile(text []byte, cluster *semver.Version) (values, error) {
	raw, err := parse(text, false)
	if err != nil {
		return nil, fmt.Errorf("cannot load Chart.yaml: %w", err)
	}
	chart := values{"IsRoot": true}
	for key, value := range raw {
		chart[strings.ToUpper(key[:1])+key[1:]] = value
	}
	for _, key := range []string{"ApiVersion", "Name", "Version"} {
		if chart[key] == nil {
			return nil, fmt.Errorf("validation: chart.metadata.%s is required", strings.ToLower(key))
		}
	}
	if wanted, _ := chart["KubeVersion"].(string); wanted != "" {
		constraint, err := semver.NewConstraint(wanted)
		if err != nil {
			return nil, err
		}
		if !constraint.Check(cluster) {
			return nil, fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes v%s", wanted, cluster)
		}
	}
	return chart, nil
}

// context returns what a template sees as the dot, without .Template.
func context(others files, o options) (values, error) {
	able, cluster, err := capabilities(o)
	if err != nil {
		return nil, err
	}
	chart, err := chartFile(others["Chart.yaml"], cluster)
	if err != nil {
		return nil, err
	}
	defaults, err := parse(others["values.yaml"], o.numbers)
	if err != nil {
		return nil, fmt.Errorf("cannot load values.yaml: %w", err)
	}
	user, err := userValues(o)
	if err != nil {
		return nil, err
	}
	all := coalesce(defaults, user)
	if schema, has := others["values.schema.json"]; has {
		if err := validate(schema, all); err != nil {
			return nil, err
		}
	}
	for _, hidden := range []string{"Chart.yaml", "values.yaml", "values.schema.json"} {
		delete(others, hidden)
	}
	release := values{"Name": o.release, "Namespace": o.namespace, "Service": "Helm", "Revision": 1,
		"IsInstall": !o.upgrade, "IsUpgrade": o.upgrade}
	return values{"Values": all, "Chart": chart, "Release": release, "Capabilities": able, "Files": others}, nil
}

func render(folder string, o options) (string, error) {
	templates, others, err := load(folder)
	if err != nil {
		return "", err
	}
	dot, err := context(others, o)
	if err != nil {
		return "", err
	}
	root := template.New("gotpl").Option("missingkey=zero")
	root.Funcs(functions(root))
	chart := dot["Chart"].(values)["Name"].(string)
	var names []string
	for name := range templates {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if _, err := root.New(chart + "/" + name).Parse(templates[name]); err != nil {
			return "", fmt.Errorf("parse error: %w", err)
		}
	}
	var out strings.Builder
	for _, name := range names {
		isNotes := name == "templates/NOTES.txt"
		if strings.HasPrefix(path.Base(name), "_") || isNotes != o.notes {
			continue
		}
		var text strings.Builder
		dot["Template"] = values{"Name": chart + "/" + name, "BasePath": chart + "/templates"}
		if err := root.ExecuteTemplate(&text, chart+"/"+name, dot); err != nil {
			return "", fmt.Errorf("execution error: %w", err)
		}
		page := strings.ReplaceAll(text.String(), "<no value>", "")
		if isNotes {
			out.WriteString(page)
		} else if strings.TrimSpace(page) != "" {
			fmt.Fprintf(&out, "---\n# Source: %s/%s\n%s\n", chart, name, strings.TrimPrefix(strings.TrimSpace(page), "---\n"))
		}
	}
	return out.String(), nil
}
