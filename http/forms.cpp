// SPDX-License-Identifier: Apache-2.0
#include "http/forms.hpp"

#include "actors/exchange.hpp"
#include "http/target.hpp"

#include <algorithm>
#include <set>

namespace lyceum::http {
namespace {

constexpr std::string_view urlencoded = "application/x-www-form-urlencoded";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

void append_encoded(std::string& to, char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto octet = static_cast<unsigned char>(c);
  to += '%';
  to += digits[octet >> 4];
  to += digits[octet & 15];
}

/// Text with its percent signs decoded once more, as careless servers and browsers do; malformed ones stay.
std::string decoded_again(std::string_view text) {
  const auto once = percent_decoded(text, false);
  return once ? *once : std::string(text);
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool leads_elsewhere(std::string_view path) {
  return std::ranges::any_of(path, is_control) || !path.starts_with('/') ||
         (path.size() > 1 && (path[1] == '/' || path[1] == '\\')) || path.find('\\') != std::string_view::npos;
}

} // namespace

std::string_view form::get(std::string_view name) const noexcept {
  const auto found = std::ranges::find(fields_, name, [](const auto& field) { return std::string_view(field.first); });
  return found == fields_.end() ? std::string_view{} : std::string_view(found->second);
}

expected<form> read_form(std::string_view content_type, std::string_view body) {
  auto type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t'))
    type.remove_suffix(1);
  if (!iequals(type, urlencoded))
    return fail(problem::kind::invalid, "a form is sent as application/x-www-form-urlencoded");
  if (static_cast<std::size_t>(std::ranges::count(body, '&')) >= form_fields_max)
    return fail(problem::kind::too_large, "a form has at most 200 fields");
  auto fields = read_query(body, form_fields_max);
  if (!fields)
    return tl::unexpected(fields.error());
  std::set<std::string_view> names;
  for (const auto& [name, value] : *fields)
    if (!names.insert(name).second)
      return fail(problem::kind::invalid, "a field stands twice in the form");
  return form(std::move(*fields));
}

std::string own_path(std::string_view asked) {
  constexpr std::string_view home = "/";
  if (asked.size() > own_path_octets_max || leads_elsewhere(asked) || leads_elsewhere(decoded_again(asked)) ||
      !is_utf8(asked))
    return std::string(home);
  std::string out;
  for (const char c : asked) {
    if (static_cast<unsigned char>(c) >= 0x80 || c == ' ' || c == '"' || c == '<' || c == '>')
      append_encoded(out, c);
    else
      out += c;
  }
  return out;
}

std::string query_value(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (is_plain(c) || c == '/')
      out += c;
    else
      append_encoded(out, c);
  return out;
}

} // namespace lyceum::http
