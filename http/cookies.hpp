// SPDX-License-Identifier: Apache-2.0
// Cookies as they come and go (RFC 6265). Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lyceum::http {

/// The names of our cookies (ASVS 5.0 3.3.3). Without TLS browsers take no "__Host-" cookie from any host but their own, so there it has
/// a plain name.
inline constexpr std::string_view session_cookie_name(bool secure) noexcept {
  return secure ? "__Host-session" : "session";
}
inline constexpr std::string_view browser_cookie_name(bool secure) noexcept {
  return secure ? "__Host-browser" : "browser";
}

inline constexpr std::size_t cookie_field_octets_max = 8192; ///< as any field
inline constexpr std::size_t cookie_pairs_max = 64;
inline constexpr std::size_t cookie_pair_octets_max =
    4096;                                                ///< name and value; RFC 6265 6.1: what browsers keep at least
inline constexpr std::chrono::days cookie_life_max{400}; ///< RFC 6265bis 5.5: browsers cut to it

/// True for what may be a cookie's value: RFC 6265 4.1.1's cookie-octets, in one pair of quotes or none. Empty is one.
bool is_cookie_value(std::string_view text) noexcept;

/// The value of a cookie in a Cookie field: pairs between ';' and an optional space. A pair that is not `name=value` of a token and a value,
/// or over cookie_pair_octets_max, is passed over: other programs of the same host write odd ones. The first that is good counts. Not so where
/// the name begins with "__Host-" or "__Secure-": no browser sends two, so a second one, good or not, makes it none. Nothing, too, where the field
/// is over cookie_field_octets_max or has over cookie_pairs_max pairs. A view into `field`, quotes included. Takes no memory.
///
/// A request with two Cookie fields has none: RFC 6265 5.4 allows one, and the caller sees to it.
std::optional<std::string_view> find_cookie(std::string_view field, std::string_view name) noexcept;

/// A cookie to be set. Never with a domain: it goes back to this host alone.
struct cookie {
  enum class sites { lax, strict, none };

  std::string_view name;
  std::string_view value;
  std::optional<std::chrono::seconds> max_age; ///< absent: until the browser closes; 0: gone at once
  std::string_view path = "/";
  bool secure = true;
  bool http_only = true;
  sites same_site = sites::lax;
};

/// The value of its Set-Cookie field: "__Host-session=…; Path=/; Max-Age=1209600; Secure; HttpOnly; SameSite=Lax".
/// Throws std::invalid_argument where a browser would not take it as it is meant: a name that is no token, a value that is none, over
/// cookie_pair_octets_max or cookie_life_max, a path that is none; "__Host-" that is not secure or not for "/", "__Secure-" and SameSite=None
/// that are not secure (RFC 6265bis 4.1.3, 5.7). All of these are the program's own words, so it is a surprise.
std::string set_cookie(const cookie& one);

} // namespace lyceum::http
