// SPDX-License-Identifier: Apache-2.0
#include "http/cookies.hpp"

#include "http/admission.hpp"

#include <array>
#include <stdexcept>

namespace lyceum::http {
namespace {

/// 1 for what stands in no cookie. Summed up without a branch an octet, since every request of who is signed in has one to read.
constexpr std::array<unsigned char, 256> not_cookie_octets = [] {
  std::array<unsigned char, 256> table{};
  for (std::size_t c = 0; c < table.size(); ++c)
    table[c] = c <= 0x20 || c >= 0x7F || c == '"' || c == ',' || c == ';' || c == '\\';
  return table;
}();

bool are_cookie_octets(std::string_view text) {
  unsigned wrong = 0;
  for (const char c : text)
    wrong |= not_cookie_octets[static_cast<unsigned char>(c)];
  return wrong == 0;
}

bool is_guarded(std::string_view name) {
  return name.starts_with("__Host-") || name.starts_with("__Secure-");
}

void demand(bool holds, const char* what) {
  if (!holds)
    throw std::invalid_argument(what);
}

} // namespace

bool is_cookie_value(std::string_view text) noexcept {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  return are_cookie_octets(text);
}

std::optional<std::string_view> find_cookie(std::string_view field, std::string_view name) noexcept {
  if (field.size() > cookie_field_octets_max)
    return std::nullopt;
  std::optional<std::string_view> found;
  std::size_t of_that_name = 0;
  for (std::size_t pairs = 1;; ++pairs) {
    if (pairs > cookie_pairs_max)
      return std::nullopt;
    const auto end = field.find(';');
    const auto pair = field.substr(0, end);
    const auto equals = pair.find('=');
    if (pair.substr(0, equals) == name) {
      ++of_that_name;
      const bool good = equals != std::string_view::npos && pair.size() - 1 <= cookie_pair_octets_max &&
                        is_token(name) && is_cookie_value(pair.substr(equals + 1));
      if (good && !found)
        found = pair.substr(equals + 1);
    }
    if (end == std::string_view::npos)
      break;
    field.remove_prefix(end + 1);
    if (field.starts_with(' '))
      field.remove_prefix(1);
  }
  return is_guarded(name) && of_that_name > 1 ? std::nullopt : found;
}

std::string set_cookie(const cookie& one) {
  demand(is_token(one.name), "a cookie's name is no token");
  demand(is_cookie_value(one.value), "a cookie's value holds what none may");
  demand(one.name.size() + one.value.size() <= cookie_pair_octets_max, "a cookie is too long");
  demand(one.path.starts_with('/') && are_cookie_octets(one.path), "a cookie's path is none");
  demand(!one.name.starts_with("__Host-") || (one.secure && one.path == "/"), "__Host- is secure, and for all paths");
  demand(!one.name.starts_with("__Secure-") || one.secure, "__Secure- is secure");
  demand(one.same_site != cookie::sites::none || one.secure, "a cookie for other sites is secure");
  demand(!one.max_age || (*one.max_age >= std::chrono::seconds{0} && *one.max_age <= cookie_life_max),
         "a cookie's life is 0 s to 400 days");

  std::string text(one.name);
  text.append("=").append(one.value).append("; Path=").append(one.path);
  if (one.max_age)
    text += "; Max-Age=" + std::to_string(one.max_age->count());
  text += one.secure ? "; Secure" : "";
  text += one.http_only ? "; HttpOnly" : "";
  switch (one.same_site) {
  case cookie::sites::lax:
    return text + "; SameSite=Lax";
  case cookie::sites::strict:
    return text + "; SameSite=Strict";
  case cookie::sites::none:
    return text + "; SameSite=None";
  }
  return text;
}

} // namespace lyceum::http
