// SPDX-License-Identifier: Apache-2.0
#include "views/markdown/code.hpp"

#include "views/markdown/passes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <sodium.h>
#include <utility>

namespace lyceum::views::markdown {
namespace {

constexpr std::array languages = {
    language{"c", "C", "c"},
    language{"clojure", "Clojure", "clojure"},
    language{"cmake", "CMake", "cmake"},
    language{"cpp", "C++", "c"},
    language{"csharp", "C#", "csharp"},
    language{"css", "CSS", "css"},
    language{"diff", "Diff", "diff"},
    language{"docker", "Dockerfile", "docker"},
    language{"elixir", "Elixir", "elixir"},
    language{"erlang", "Erlang", "erlang"},
    language{"fsharp", "F#", "fsharp"},
    language{"go", "Go", "go"},
    language{"haskell", "Haskell", "haskell"},
    language{"html", "HTML", "html"},
    language{"ini", "INI", "ini"},
    language{"java", "Java", "java"},
    language{"js", "JavaScript", "js"},
    language{"json", "JSON", "json"},
    language{"kotlin", "Kotlin", "kotlin"},
    language{"lisp", "Lisp", "lisp"},
    language{"lua", "Lua", "lua"},
    language{"make", "Makefile", "make"},
    language{"markdown", "Markdown", "md"},
    language{"nginx", "nginx", "nginx"},
    language{"ocaml", "OCaml", "ocaml"},
    language{"perl", "Perl", "perl"},
    language{"php", "PHP", "php"},
    language{"powershell", "PowerShell", "ps1"},
    language{"python", "Python", "python"},
    language{"r", "R", "r"},
    language{"ruby", "Ruby", "ruby"},
    language{"rust", "Rust", "rs"},
    language{"scala", "Scala", "scala"},
    language{"scss", "SCSS", "scss"},
    language{"sh", "Shell", "sh"},
    language{"sql", "SQL", "sql"},
    language{"swift", "Swift", "swift"},
    language{"tex", "TeX", "tex"},
    language{"ts", "TypeScript", "ts"},
    language{"xml", "XML", "xml"},
    language{"yaml", "YAML", "yaml"},
};

using alias = std::pair<std::string_view, std::string_view>;
constexpr std::array aliases = {
    alias{"bash", "sh"},        alias{"c#", "csharp"},     alias{"c++", "cpp"},        alias{"clj", "clojure"},
    alias{"console", "sh"},     alias{"cs", "csharp"},     alias{"cxx", "cpp"},        alias{"dockerfile", "docker"},
    alias{"erl", "erlang"},     alias{"ex", "elixir"},     alias{"exs", "elixir"},     alias{"f#", "fsharp"},
    alias{"golang", "go"},      alias{"h", "c"},           alias{"heex", "html"},      alias{"hpp", "cpp"},
    alias{"hs", "haskell"},     alias{"htm", "html"},      alias{"iex", "elixir"},     alias{"javascript", "js"},
    alias{"jsonc", "json"},     alias{"jsx", "js"},        alias{"kt", "kotlin"},      alias{"latex", "tex"},
    alias{"makefile", "make"},  alias{"md", "markdown"},   alias{"ml", "ocaml"},       alias{"mjs", "js"},
    alias{"patch", "diff"},     alias{"pl", "perl"},       alias{"ps1", "powershell"}, alias{"py", "python"},
    alias{"python3", "python"}, alias{"rb", "ruby"},       alias{"rs", "rust"},        alias{"sass", "scss"},
    alias{"scheme", "lisp"},    alias{"shell", "sh"},      alias{"svg", "xml"},        alias{"toml", "ini"},
    alias{"tsx", "ts"},         alias{"typescript", "ts"}, alias{"yml", "yaml"},       alias{"zsh", "sh"},
};

/// Highlighted lines that are kept of one info string.
constexpr int lines_max = 1'000;

std::string_view first_word(std::string_view info) {
  const auto from = info.find_first_not_of(" \t");
  if (from == std::string_view::npos)
    return {};
  return info.substr(from, info.find_first_of(" \t{,", from) - from);
}

} // namespace

const language* language_named(std::string_view name) {
  const auto at = std::find_if(languages.begin(), languages.end(), [&](const auto& one) { return one.name == name; });
  return at == languages.end() ? nullptr : &*at;
}

const language* find_language(std::string_view word) {
  std::string name(first_word(word));
  if (name.empty() || name.size() > 20)
    return nullptr;
  for (char& c : name)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + 32);
  const auto other = std::find_if(aliases.begin(), aliases.end(), [&](const alias& one) { return one.first == name; });
  return language_named(other == aliases.end() ? std::string_view(name) : other->second);
}

std::string code_hash(std::string_view language, std::string_view code) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  const auto add = [&](std::string_view bytes) {
    crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  };
  add(language);
  add(std::string_view("\0", 1));
  add(code);
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256_final(&state, digest.data());
  std::array<char, 2 * crypto_hash_sha256_BYTES + 1> text{};
  sodium_bin2hex(text.data(), text.size(), digest.data(), digest.size());
  return text.data();
}

std::vector<int> marked_lines(std::string_view info) {
  const auto from = info.find('{');
  const auto to = from == std::string_view::npos ? from : info.find('}', from);
  std::vector<int> lines;
  if (to == std::string_view::npos)
    return lines;
  const char* at = info.data() + from + 1;
  const char* const end = info.data() + to;
  while (at < end) {
    int first = 0;
    auto read = std::from_chars(at, end, first);
    if (read.ec != std::errc{})
      return {};
    int last = first;
    if (read.ptr < end && *read.ptr == '-') {
      read = std::from_chars(read.ptr + 1, end, last);
      if (read.ec != std::errc{})
        return {};
    }
    if (first < 1 || last < first || last - first >= lines_max)
      return {};
    for (int line = first; line <= last && lines.size() < lines_max; ++line)
      lines.push_back(line);
    at = read.ptr;
    while (at < end && (*at == ',' || *at == ' '))
      ++at;
    if (at == read.ptr && at < end)
      return {};
  }
  std::sort(lines.begin(), lines.end());
  lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  return lines;
}

std::string mark_lines(std::string_view html, const std::vector<int>& lines) {
  std::string out;
  std::vector<std::string_view> open; // spans, as written
  std::size_t p = 0;
  for (int number = 1; p < html.size(); ++number) {
    const bool marked = std::binary_search(lines.begin(), lines.end(), number);
    // Spans of a marked line stand inside its mark, so those that reach in from above are closed before it.
    const auto switch_over = [&](std::string_view tag) {
      for (std::size_t i = 0; i < open.size(); ++i)
        out += "</span>";
      out += tag;
      for (const auto span : open)
        out += span;
    };
    if (marked)
      switch_over("<mark class=\"line\">");
    bool ended = false;
    while (p < html.size() && !ended) {
      if (html[p] == '<') {
        const auto tag = html.substr(p, html.find('>', p) - p + 1);
        if (tag.starts_with("</")) {
          if (!open.empty())
            open.pop_back();
        } else {
          open.push_back(tag);
        }
        out += tag;
        p += tag.size();
      } else {
        ended = html[p] == '\n';
        out += html[p++];
      }
    }
    // A span that ends at the line's end ends inside the mark.
    while (marked && html.substr(p).starts_with("</span>") && !open.empty()) {
      out += "</span>";
      open.pop_back();
      p += 7;
    }
    if (marked)
      switch_over("</mark>");
  }
  return out;
}

std::vector<code_block> list_code(const node& root) {
  std::vector<code_block> found;
  const auto visit = [&](const auto& self, const node& from) -> void {
    for (const auto& child : from.children) {
      if (child.what == kind::code_block && child.fenced) {
        const language* known = find_language(child.title);
        code_block block{{}, known ? std::string(known->name) : std::string(), child.text};
        block.hash = code_hash(block.language, block.code);
        found.push_back(std::move(block));
      }
      self(self, child);
    }
  };
  visit(visit, root);
  return found;
}

} // namespace lyceum::views::markdown
