# SPDX-License-Identifier: Apache-2.0
"""The table of `ctr images check` and of `containerd_exporter check`."""
import collections
import re

Row = collections.namedtuple("Row", "namespace image type digest status have want size unpacked")
ROW = re.compile(r"(?P<image>.+?)\s+(?P<type>\S+)\s+(?P<digest>[a-z0-9+._-]+:[0-9A-Za-z=_-]+)\s+"
                 r"(?P<status>complete|incomplete|unavailable|error)(?: \((?P<have>\d+)/(?P<want>\d+|\?)\))?\s+"
                 r"(?P<size>-|\S+ [KMGTPEZY]?i?B/(?:\?|\S+ [KMGTPEZY]?i?B))\s+(?P<unpacked>true|false|unknown)[ \t]*\n", re.DOTALL)


def check_rows(text):
    """The table of `images check` as a list of Row: ctr's, or the exporter's with its namespaces."""
    header, _, rows = text.partition("\n")
    found = []
    for match in ROW.finditer(rows):
        fields = match.groupdict()
        namespace = None
        if header.startswith("NAMESPACE"):
            namespace, fields["image"] = re.split(r"\s+", fields["image"], maxsplit=1)
        found.append(Row(namespace=namespace, **fields))
    return found
