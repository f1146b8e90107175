/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replaces like Go's regexp.ReplaceAllString(). This file is C++, because RE2 is the library with
 * the syntax and the matches of Go's regexp. It cannot be slow or recurse deeply for any pattern.
 * No exception and no C++ object leaves this file.
 *
 * RE2's own replacements have another template: "\1", not "$1" or "${name}".
 */
extern "C" {
#include "registry/hosts/hosts_rewrite.h"
}

#include <algorithm>
#include <re2/re2.h>
#include <string>
#include <vector>

namespace
{

using std::string_view;

struct too_long {
};

constexpr int pattern_memory = 1 << 20; /* bytes of a compiled pattern */

/* Whether Go counts the character to a name in a template. */
bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_number(string_view name)
{
    for (char c : name)
        if (c < '0' || c > '9')
            return false;
    return name.size() < 9 && (name[0] != '0' || name.size() == 1);
}

/* Cuts "name" or "{name}" off the template; leaves it as it is if it begins otherwise. */
string_view take_name(string_view &rest)
{
    const bool braces = !rest.empty() && rest[0] == '{';
    size_t end = braces;

    while (end < rest.size() && is_word(rest[end]))
        end++;
    const string_view name = rest.substr(braces, end - braces);
    if (name.empty() || (braces && (end == rest.size() || rest[end] != '}')))
        return {};
    rest.remove_prefix(end + braces);
    return name;
}

class replacer
{
  public:
    explicit replacer(const hosts_rewrite &rule)
        : expression(rule.pattern, options()), replacement(rule.replacement)
    {
    }

    bool ok() const
    {
        return expression.ok();
    }

    std::string replace(string_view text)
    {
        std::string out;
        size_t from = 0, copied = 0;

        groups.resize(static_cast<size_t>(expression.NumberOfCapturingGroups()) + 1);
        while (from <= text.size() && match(text, from)) {
            const size_t begin = offset(text, groups[0].data()), end = begin + groups[0].size();

            out.append(text.substr(copied, begin - copied));
            if (end > copied || begin == 0) /* no empty match right after a match */
                expand(out);
            if (out.size() > HOSTS_REWRITE_BYTES_MAX)
                throw too_long();
            copied = end;
            from = end > from ? end : from + 1;
        }
        return out.append(text.substr(copied));
    }

  private:
    static RE2::Options options()
    {
        RE2::Options options;

        options.set_log_errors(false);
        options.set_max_mem(pattern_memory);
        return options;
    }

    static size_t offset(string_view text, const char *at)
    {
        return static_cast<size_t>(at - text.data());
    }

    bool match(string_view text, size_t from)
    {
        return expression.Match({text.data(), text.size()}, from, text.size(), RE2::UNANCHORED,
                                groups.data(), static_cast<int>(groups.size()));
    }

    /* "$1x" is the group "1x", not the group 1. A group that does not exist is empty. */
    void append_group(std::string &out, string_view name) const
    {
        size_t group = groups.size();

        if (is_number(name)) {
            group = std::stoul(std::string(name));
        } else {
            const auto found = expression.NamedCapturingGroups().find(std::string(name));
            if (found != expression.NamedCapturingGroups().end())
                group = static_cast<size_t>(found->second);
        }
        if (group < groups.size())
            out.append(groups[group].data() ? groups[group].data() : "", groups[group].size());
    }

    void expand(std::string &out) const
    {
        string_view rest = replacement;

        while (!rest.empty()) {
            const size_t dollar = std::min(rest.find('$'), rest.size());

            out.append(rest.substr(0, dollar));
            rest.remove_prefix(dollar);
            if (rest.empty())
                return;
            rest.remove_prefix(1);
            const string_view name = take_name(rest);
            if (!name.empty()) {
                append_group(out, name);
                continue;
            }
            out.push_back('$');
            if (!rest.empty() && rest[0] == '$')
                rest.remove_prefix(1);
        }
    }

    RE2 expression;
    string_view replacement;
    std::vector<re2::StringPiece> groups;
};

} // namespace

extern "C" bool hosts_rewrite_repository(const struct hosts_rewrite *rules, const char *repository,
                                         struct arena *arena, struct hosts_rewritten *out,
                                         struct error *err)
try {
    hosts_rewritten found = {repository, false, nullptr};
    std::string changed;

    for (; rules->pattern; rules++) {
        replacer rule(*rules);

        if (!rule.ok()) {
            found.invalid = found.invalid ? found.invalid : rules->pattern;
            continue;
        }
        const std::string name = rule.replace(repository);
        if (name == repository)
            continue;
        found.ambiguous = found.ambiguous || (found.repository != repository && name != changed);
        if (found.repository != repository)
            continue;
        changed = name;
        found.repository = arena_strndup(arena, name.data(), name.size());
        if (!found.repository)
            return arena_ok(arena, err);
    }
    *out = found;
    return true;
} catch (const too_long &) {
    return error_set(err, ERROR_LIMIT, "the rewritten repository has more than %zu bytes",
                     HOSTS_REWRITE_BYTES_MAX);
} catch (...) {
    return error_memory(err);
}
