// SPDX-License-Identifier: Apache-2.0
#include "views/sanitize_rules.hpp"

#include "views/markdown/code.hpp"

#include <algorithm>
#include <array>

namespace lyceum::views::rules {
namespace {

//   name, attributes, parents, empty, block, comment
constexpr std::array tags = {
    tag{"a", "href rel hreflang", "", false, false, true},
    tag{"abbr", "", ""},
    tag{"aside", "", "", false, true},
    tag{"audio", "src controls preload loop muted", ""},
    tag{"b", "", "", false, false, true},
    tag{"bdi", "", ""},
    tag{"bdo", "", ""},
    tag{"blockquote", "cite", "", false, true, true},
    tag{"br", "", "", true, false, true},
    tag{"caption", "", "table"},
    tag{"cite", "", ""},
    tag{"code", "", "", false, false, true},
    tag{"col", "span", "colgroup", true},
    tag{"colgroup", "span", "table"},
    tag{"dd", "", "dl"},
    tag{"del", "cite datetime", "", false, false, true},
    tag{"details", "open", "", false, true},
    tag{"dfn", "", ""},
    tag{"div", "", "", false, true, true},
    tag{"dl", "", "", false, true},
    tag{"dt", "", "dl"},
    tag{"em", "", "", false, false, true},
    tag{"figcaption", "", "figure", false, true},
    tag{"figure", "", "", false, true},
    tag{"h2", "", "", false, true},
    tag{"h3", "", "", false, true},
    tag{"h4", "", "", false, true},
    tag{"h5", "", "", false, true},
    tag{"h6", "", "", false, true},
    tag{"hr", "", "", true, true, true},
    tag{"i", "", "", false, false, true},
    tag{"img", "src alt width height loading decoding", "", true},
    tag{"input", "type disabled checked", "", true, false, true},
    tag{"ins", "cite datetime", ""},
    tag{"kbd", "", ""},
    tag{"label", "", "", false, false, true},
    tag{"li", "value", "ul ol", false, true, true},
    tag{"mark", "", "", false, false, true},
    tag{"ol", "start reversed", "", false, true, true},
    tag{"p", "", "", false, true, true},
    tag{"pre", "data-language", "", false, true, true},
    tag{"q", "cite", ""},
    tag{"rp", "", "ruby"},
    tag{"rt", "", "ruby"},
    tag{"ruby", "", ""},
    tag{"s", "", "", false, false, true},
    tag{"samp", "", ""},
    tag{"section", "", "", false, true},
    tag{"small", "", ""},
    tag{"source", "src type", "video audio", true},
    tag{"span", "", "", false, false, true},
    tag{"strong", "", "", false, false, true},
    tag{"sub", "", "", false, false, true},
    tag{"summary", "", "details", false, true},
    tag{"sup", "", "", false, false, true},
    tag{"table", "", "", false, true, true},
    tag{"tbody", "", "table", false, false, true},
    tag{"td", "colspan rowspan headers", "tr", false, false, true},
    tag{"tfoot", "", "table"},
    tag{"th", "scope colspan rowspan", "tr", false, false, true},
    tag{"thead", "", "table", false, false, true},
    tag{"time", "datetime", ""},
    tag{"tr", "", "table thead tbody tfoot", false, false, true},
    tag{"track", "src kind srclang label default", "video audio", true},
    tag{"u", "", ""},
    tag{"ul", "", "", false, true, true},
    tag{"var", "", ""},
    tag{"video", "src controls poster preload width height loop muted", ""},
    tag{"wbr", "", "", true},
};

constexpr std::string_view for_all = "title class lang dir id role aria-label tabindex";
constexpr std::string_view for_all_in_comments = "title class role aria-label tabindex";
constexpr std::string_view url_attributes = "href src cite poster";
constexpr std::string_view flags = "disabled checked open reversed controls loop muted default";
constexpr std::string_view numbers = "start value colspan rowspan span width height";
constexpr std::string_view with_ids = "a h2 h3 h4 h5 h6 li section";
constexpr std::string_view roles = "region note doc-endnotes doc-noteref doc-backlink";
constexpr std::string_view classes =
    "align-left align-center align-right callout callout-title note tip important warning caution footnotes "
    "footnote-ref "
    "footnote-back line table task tasks hl num esc str pps slc com ppc ipl kwa kwb kwc kwd kwe kwf";

constexpr std::size_t value_bytes_max = 4096;

bool is_number(std::string_view value) {
  if (value.starts_with('-'))
    value.remove_prefix(1);
  return !value.empty() && value.size() <= 9 && value.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_id(std::string_view value) {
  return !value.empty() && value.size() <= 256 && std::none_of(value.begin(), value.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u <= 0x20 || u == 0x7F || std::string_view("\"'<>&=`/\\").find(c) != std::string_view::npos;
  });
}

bool is_class(std::string_view word) {
  constexpr std::string_view language = "language-";
  return is_listed(classes, word) ||
         (word.starts_with(language) && markdown::language_named(word.substr(language.size())) != nullptr);
}

std::string kept_classes(std::string_view value) {
  std::string kept;
  while (!value.empty()) {
    const auto from = value.find_first_not_of(" \t\n\f\r");
    if (from == std::string_view::npos)
      break;
    value.remove_prefix(from);
    const auto word = value.substr(0, value.find_first_of(" \t\n\f\r"));
    if (is_class(word))
      kept.append(kept.empty() ? "" : " ").append(word);
    value.remove_prefix(word.size());
  }
  return kept;
}

bool is_word(std::string_view value) {
  return !value.empty() && value.size() <= 100 &&
         value.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./: +") ==
             std::string_view::npos;
}

} // namespace

bool is_listed(std::string_view list, std::string_view word) {
  if (word.empty() || word.find(' ') != std::string_view::npos)
    return false;
  for (auto at = list.find(word); at != std::string_view::npos; at = list.find(word, at + 1)) {
    const auto end = at + word.size();
    if ((at == 0 || list[at - 1] == ' ') && (end == list.size() || list[end] == ' '))
      return true;
  }
  return false;
}

const tag* find_tag(std::string_view name, allow_list list) {
  const auto at = std::lower_bound(tags.begin(), tags.end(), name,
                                   [](const tag& one, std::string_view wanted) { return one.name < wanted; });
  if (at == tags.end() || at->name != name || (list == allow_list::comment && !at->comment))
    return nullptr;
  return &*at;
}

bool drops_content(std::string_view name) {
  return is_listed(
      "script style title textarea xmp iframe noembed noframes noscript plaintext template svg math object applet "
      "select option optgroup datalist canvas frameset portal head",
      name);
}

bool holds_raw_text(std::string_view name) {
  return is_listed("script style title textarea xmp iframe noembed noframes noscript plaintext", name);
}

bool allows_attribute(const tag& tag, std::string_view attribute, allow_list list) {
  return is_listed(tag.attributes, attribute) ||
         is_listed(list == allow_list::lesson ? for_all : for_all_in_comments, attribute);
}

bool is_safe_url(std::string_view url, bool image) {
  std::string seen;
  for (const char c : url) {
    const auto u = static_cast<unsigned char>(c);
    if (u <= 0x20 || u == 0x7F)
      continue;
    if (c == ':')
      return seen == "http" || seen == "https" || (!image && (seen == "mailto" || seen == "tel"));
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (!(small >= 'a' && small <= 'z') && !(c >= '0' && c <= '9') && c != '+' && c != '-' && c != '.')
      return true; // no letter of a scheme (RFC 3986 section 3.1), so what follows is a path
    seen += small;
  }
  return true;
}

bool is_elsewhere(std::string_view url) {
  std::string plain;
  for (const char c : url)
    if (static_cast<unsigned char>(c) > 0x20 && c != 0x7F)
      plain += c == '\\' ? '/' : c;
  const auto colon = plain.find(':');
  return plain.starts_with("//") || (colon != std::string::npos && colon < plain.find_first_of("/?#"));
}

checked check_attribute(const tag& tag, std::string_view attribute, std::string_view value, allow_list list) {
  if (!allows_attribute(tag, attribute, list) || value.size() > value_bytes_max)
    return {};
  const auto when = [&](bool right) { return right ? checked{true, false, std::string(value)} : checked{}; };
  if (is_listed(url_attributes, attribute))
    return when(is_safe_url(value, tag.name != "a") &&
                !((attribute == "src" || attribute == "poster") && is_elsewhere(value)));
  if (is_listed(flags, attribute))
    return {true, true, ""};
  if (is_listed(numbers, attribute))
    return when(is_number(value));
  if (attribute == "class") {
    std::string kept = kept_classes(value);
    const bool some = !kept.empty();
    return {some, false, std::move(kept)};
  }
  if (attribute == "id")
    return when(is_listed(with_ids, tag.name) && is_id(value));
  if (attribute == "role")
    return when(is_listed(roles, value));
  if (attribute == "tabindex")
    return when(value == "0");
  if (attribute == "dir")
    return when(is_listed("ltr rtl auto", value));
  if (attribute == "type" && tag.name == "input")
    return when(value == "checkbox");
  if (attribute == "rel")
    return {}; // the sanitiser writes it
  if (attribute == "title" || attribute == "alt" || attribute == "aria-label" || attribute == "label" ||
      attribute == "data-language")
    return when(true);
  return when(is_word(value)); // lang, hreflang, datetime, type, kind, loading …
}

} // namespace lyceum::views::rules
