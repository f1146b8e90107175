# SPDX-License-Identifier: Apache-2.0
"""The schemas of Kubernetes and of prometheus-operator, as JSON schemas in which unknown fields are mistakes.

`deploy/lib.sh need_schemas` unpacks what they are made of: the OpenAPI documents and the field tables of
Kubernetes' Go client, and the TypeScript declarations that are generated from prometheus-operator's CRDs."""
import functools
import json
import re

import jsonschema
import yaml

from lab.programs import daemons_dir
from lab.wait import LabError

PREFIX = "#/components/schemas/"
OPENAPI = {"v1": ("api__v1", "io.k8s.api.core.v1."), "apps/v1": ("apis__apps__v1", "io.k8s.api.apps.v1.")}
TABLES = {"networking.k8s.io/v1": "io.k8s.api.networking.v1.",  # Kubernetes' client has no OpenAPI documents of these
          "scheduling.k8s.io/v1": "io.k8s.api.scheduling.v1."}
OPERATOR = "monitoring.coreos.com/v1"


def folder(name, program):
    path = daemons_dir() / "schemas" / name
    if not path.is_dir():
        raise LabError(f"no {path}: run deploy/lib.sh need_schemas, which needs {program}")
    return path


def strict(node):
    """An object that lists its fields has no others."""
    if isinstance(node, dict):
        if "properties" in node:
            node.setdefault("additionalProperties", False)
        for value in node.values():
            strict(value)
    elif isinstance(node, list):
        for value in node:
            strict(value)
    return node


@functools.lru_cache(maxsize=None)
def kubernetes_openapi(document):
    path = folder("kubernetes", "apt") / f"openapi/openapitest/testdata/{document}_openapi.json"
    return strict(json.loads(path.read_text(encoding="utf-8"))["components"]["schemas"])


def table_schema(node):
    """A type of the client's field tables: a scalar, a name, a list, or a map of fields or of one type."""
    if "namedType" in node:
        return {"$ref": PREFIX + node["namedType"]}
    if "scalar" in node:
        kinds = {"string": "string", "numeric": "number", "boolean": "boolean"}
        return {"type": kinds[node["scalar"]]} if node["scalar"] in kinds else {}
    if "list" in node:
        return {"type": "array", "items": table_schema(node["list"]["elementType"])}
    fields = node["map"].get("fields")
    if fields:
        return {"type": "object", "properties": {field["name"]: table_schema(field["type"]) for field in fields}}
    return {"type": "object", "additionalProperties": table_schema(node["map"]["elementType"])}


@functools.lru_cache(maxsize=None)
def kubernetes_tables():
    text = (folder("kubernetes", "apt") / "applyconfigurations/internal/internal.go").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    types = yaml.load(re.search(r"YAMLObject\(`(.*?)`\)", text, re.DOTALL)[1], Loader=loader)["types"]
    return strict({one["name"]: table_schema(one) for one in types if not one["name"].startswith("__")})


class Declarations:
    """Interfaces and type names of TypeScript, as far as generated declarations use the language."""
    TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|\d+|[^\s\w]')

    def __init__(self, path):
        text = re.sub(r"^ *(/\*\*|\*).*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        found = re.search(r"export interface (\w+)(?: extends ([^{]*))? ?\{(.*?)^\}|export type \w+ = (.*?);\n", text,
                          re.DOTALL | re.MULTILINE)
        if not found:
            raise LabError(f"no declaration in {path}")
        self.parents = [name.strip() for name in (found[2] or "").split(",") if name.strip()]
        self.tokens = self.TOKEN.findall(found[4] if found[4] else "{" + found[3] + "}")
        self.schema = self.union()

    def take(self, expected=None):
        token = self.tokens.pop(0)
        if expected and token != expected:
            raise LabError(f"{token} where {expected} is expected")
        return token

    def union(self):
        choices = [self.one()]
        while self.tokens and self.tokens[0] == "|":
            self.take()
            choices.append(self.one())
        return choices[0] if len(choices) == 1 else {"anyOf": choices}

    def one(self):
        token = self.take()
        if token == "{":
            return self.mapping()
        if token == "Array":
            self.take("<")
            items = self.union()
            self.take(">")
            return {"type": "array", "items": items}
        if token.startswith('"'):
            return {"const": json.loads(token)}
        if token in ("string", "number", "boolean", "null"):
            return {"type": token}
        return {} if token in ("any", "unknown", "object") else {"$ref": PREFIX + token}

    def mapping(self):
        properties, needed = {}, []
        others = False
        while self.tokens[0] != "}":
            if self.tokens[0] == "[":
                del self.tokens[:5]  # [key: string]
                self.take(":")
                others = self.union()
            else:
                name = json.loads(self.take())
                optional = self.tokens[0] == "?" and self.take()
                self.take(":")
                properties[name] = self.union()
                needed += [] if optional else [name]
            self.take(";")
        self.take("}")
        return {"type": "object", "properties": properties, "required": needed, "additionalProperties": others}


@functools.lru_cache(maxsize=None)
def operator_schemas():
    """prometheus-operator's types, by the name that the declarations give them; Kubernetes' own are its own schemas."""
    root = folder("prometheus-operator", "npm") / "package" / OPERATOR
    long_name = "IComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1"
    found = {f"{long_name}{path.name[:-5]}": Declarations(path) for path in root.glob("*.d.ts") if path.name != "index.d.ts"}

    def schema(name):
        own = found[name].schema
        for parent in found[name].parents:
            above = schema(parent) if parent in found else {}
            if "properties" in above:
                own = {**own, "properties": {**above["properties"], **own["properties"]},
                       "required": above["required"] + own["required"]}
        return own

    core = kubernetes_openapi("api__v1")
    spelled = {"I" + "".join(part[0].upper() + part[1:] for part in re.split(r"[.]", name)): value
               for name, value in core.items()}
    return {**{name: schema(name) for name in found}, **core, **spelled}


def schema_of(version, kind):
    if version in OPENAPI:
        document, prefix = OPENAPI[version]
        return kubernetes_openapi(document), prefix + kind
    if version in TABLES:
        return kubernetes_tables(), TABLES[version] + kind
    if version == OPERATOR:
        return operator_schemas(), f"IComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1{kind}"
    raise LabError(f"no schema of {version}")


def mistakes(document):
    """What the schema of the object's kind refuses, each with its place; LabError where there is no schema."""
    types, name = schema_of(document["apiVersion"], document["kind"])
    if name not in types:
        return [f"unknown kind {document['apiVersion']} {document['kind']}"]
    root = {"$ref": PREFIX + name, "components": {"schemas": types}}
    errors = jsonschema.Draft7Validator(root).iter_errors(document)
    return sorted(f"{'.'.join(map(str, error.absolute_path)) or 'object'}: {error.message[:300]}" for error in errors)
