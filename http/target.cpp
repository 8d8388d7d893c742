// SPDX-License-Identifier: Apache-2.0
#include "http/target.hpp"

namespace lyceum::http {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

bool has_control(std::string_view text) {
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7F)
      return true;
  }
  return false;
}

/// Checked on the decoded path, so that a disguise does not help; a slash in disguise is found before.
expected<void> check_parts(std::string_view path) {
  path.remove_prefix(1);
  while (true) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    if (part == "." || part == "..")
      return fail(problem::kind::invalid, "dots are not a part of a path");
    if (slash == std::string_view::npos)
      return {};
    if (part.empty())
      return fail(problem::kind::not_found, "an empty part in the path");
    path.remove_prefix(slash + 1);
  }
}

bool hides_a_slash(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\')
      return true;
    if (text[i] != '%' || i + 2 >= text.size())
      continue;
    const int octet = hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]);
    if (octet == '/' || octet == '\\')
      return true;
  }
  return false;
}

} // namespace

bool is_utf8(std::string_view text) noexcept {
  std::size_t i = 0;
  const auto at = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const auto follows = [&](std::size_t k, unsigned char low, unsigned char high) {
    return k < text.size() && at(k) >= low && at(k) <= high;
  };
  while (i < text.size()) {
    const unsigned char c = at(i);
    if (c < 0x80) {
      i += 1;
    } else if (c >= 0xC2 && c <= 0xDF) { // RFC 3629 section 4: no overlong forms, no surrogates, nothing past 10FFFF
      if (!follows(i + 1, 0x80, 0xBF))
        return false;
      i += 2;
    } else if (c >= 0xE0 && c <= 0xEF) {
      if (!follows(i + 1, c == 0xE0 ? 0xA0 : 0x80, c == 0xED ? 0x9F : 0xBF) || !follows(i + 2, 0x80, 0xBF))
        return false;
      i += 3;
    } else if (c >= 0xF0 && c <= 0xF4) {
      if (!follows(i + 1, c == 0xF0 ? 0x90 : 0x80, c == 0xF4 ? 0x8F : 0xBF) || !follows(i + 2, 0x80, 0xBF) ||
          !follows(i + 3, 0x80, 0xBF))
        return false;
      i += 4;
    } else {
      return false;
    }
  }
  return true;
}

expected<std::string> percent_decoded(std::string_view text, bool plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return fail(problem::kind::invalid, "a percent sign that encodes nothing");
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus && text[i] == '+' ? ' ' : text[i];
    }
  }
  if (!is_utf8(out))
    return fail(problem::kind::invalid, "text that is not UTF-8");
  return out;
}

expected<query_fields> read_query(std::string_view text, std::size_t fields_max) {
  query_fields fields;
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto field = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (field.empty())
      continue;
    if (fields.size() == fields_max)
      return fail(problem::kind::invalid, "too many fields");
    const auto equals = field.find('=');
    auto name = percent_decoded(field.substr(0, equals), true);
    if (!name)
      return tl::unexpected(std::move(name.error()));
    auto value =
        percent_decoded(equals == std::string_view::npos ? std::string_view() : field.substr(equals + 1), true);
    if (!value)
      return tl::unexpected(std::move(value.error()));
    if (name->find('\0') != std::string::npos || value->find('\0') != std::string::npos)
      return fail(problem::kind::invalid, "NUL in a field"); // PostgreSQL's text cannot hold it
    fields.emplace_back(std::move(*name), std::move(*value));
  }
  return fields;
}

expected<target> read_target(std::string_view text) {
  const auto question = text.find('?');
  auto raw_path = text.substr(0, question);
  if (raw_path.empty())
    raw_path = "/"; // "http://host?query"
  if (raw_path.front() != '/')
    return fail(problem::kind::invalid, "a path starts with a slash");
  if (hides_a_slash(raw_path))
    return fail(problem::kind::invalid, "a slash in disguise");
  auto path = percent_decoded(raw_path, false);
  if (!path)
    return tl::unexpected(std::move(path.error()));
  if (has_control(*path))
    return fail(problem::kind::invalid, "control octets in the path");
  if (auto parts = check_parts(*path); !parts)
    return tl::unexpected(std::move(parts.error()));
  auto query = read_query(question == std::string_view::npos ? std::string_view() : text.substr(question + 1));
  if (!query)
    return tl::unexpected(std::move(query.error()));
  return target{std::move(*path), std::move(*query)};
}

std::string encoded_path(std::string_view path) {
  static constexpr std::string_view plain = "-._~!$&'()*+,;=:@/"; // pchar of RFC 3986, and the slash
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(path.size());
  for (const char c : path) {
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (alnum || plain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      const auto octet = static_cast<unsigned char>(c);
      out += '%';
      out += digits[octet >> 4];
      out += digits[octet & 15];
    }
  }
  return out;
}

} // namespace lyceum::http
