// SPDX-License-Identifier: Apache-2.0

// helm_render renders a chart as `helm template` does, for tests on machines without helm. It is built with Debian's
// packages alone: text/template, sprig, and the YAML and JSON schema libraries that helm itself uses.
//
//	helm_render [flags] CHART
//
// Prints the objects, each with the template it comes from, or with -notes the notes. A chart that helm refuses is
// refused with a message on standard error and exit status 1.
package main

import (
	"flag"
	"fmt"
	"os"
)

type options struct {
	release, namespace, kube string
	apis                     list
	files, sets, setStrings  list
	upgrade, notes, numbers  bool
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string     { return fmt.Sprint(*l) }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func main() {
	var o options
	flag.StringVar(&o.release, "name", "test", "name of the release")
	flag.StringVar(&o.namespace, "namespace", "default", "namespace of the release")
	flag.StringVar(&o.kube, "kube-version", "1.32.0", "version of the cluster")
	flag.Var(&o.apis, "api-versions", "what .Capabilities.APIVersions has; repeatable")
	flag.Var(&o.files, "f", "file of values; repeatable")
	flag.Var(&o.sets, "set", "values as path=value,...; repeatable")
	flag.Var(&o.setStrings, "set-string", "the same, each value a string; repeatable")
	flag.BoolVar(&o.upgrade, "is-upgrade", false, ".Release.IsUpgrade instead of .IsInstall")
	flag.BoolVar(&o.notes, "notes", false, "print the notes instead of the objects")
	flag.BoolVar(&o.numbers, "exact-numbers", false, "keep numbers as they are written, as helm 3.16 and newer do")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	out, err := render(flag.Arg(0), o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
	fmt.Print(out)
}
