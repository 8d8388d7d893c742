// SPDX-License-Identifier: Apache-2.0
#include "http/csrf.hpp"

#include "storage/base64.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace lyceum::http {
namespace {

constexpr std::string_view separator{"\n", 1}; // in no hash and no path

std::string_view origin_of(std::string_view url) {
  const auto scheme = url.find("://");
  return scheme == std::string_view::npos ? url : url.substr(0, url.find('/', scheme + 3));
}

std::string_view authority_of(std::string_view origin) {
  const auto scheme = origin.find("://");
  return scheme == std::string_view::npos ? std::string_view{} : origin.substr(scheme + 3);
}

bool is_loopback_name(std::string_view authority) {
  const auto host = authority.starts_with('[') ? authority.substr(0, authority.find(']') + 1)
                                               : authority.substr(0, authority.find(':'));
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

bool stands_twice(const request& asked, std::string_view name) {
  return std::ranges::count_if(asked.headers, [&](const header& h) { return iequals(h.name, name); }) > 1;
}

} // namespace

std::string csrf_token(const storage::key_ring& ring, std::string_view owner, std::string_view form) {
  const auto which = ring.newest();
  const auto mac = ring.sign(storage::key_purpose::form, which, {owner, separator, form});
  return std::to_string(which) + "." + storage::base64url(*mac);
}

bool csrf_token_holds(const storage::key_ring& ring, std::string_view owner, std::string_view form,
                      std::string_view given) {
  storage::key_id which = 0;
  const auto [end, bad] = std::from_chars(given.data(), given.data() + given.size(), which);
  if (owner.empty() || bad != std::errc{} || end == given.data() + given.size() || *end != '.')
    return false;
  const auto octets = storage::from_base64url(given.substr(static_cast<std::size_t>(end - given.data()) + 1));
  storage::signature mac{};
  if (!octets || octets->size() != mac.size())
    return false;
  std::ranges::transform(*octets, mac.begin(), [](char c) { return static_cast<unsigned char>(c); });
  return ring.verify(storage::key_purpose::form, which, {owner, separator, form}, mac);
}

bool comes_from_here(const request& asked, std::string_view base_url) {
  if (stands_twice(asked, "Sec-Fetch-Site") || stands_twice(asked, "Origin"))
    return false;
  const auto site = asked.field("Sec-Fetch-Site");
  if (!site.empty() && site != "same-origin" && site != "none")
    return false;
  const auto origin = asked.field("Origin");
  const auto own = origin_of(base_url);
  if (origin.empty() || iequals(origin, own))
    return true;
  return is_loopback_name(authority_of(own)) && origin.starts_with("http") &&
         iequals(authority_of(origin), asked.field("Host")) && !asked.field("Host").empty();
}

} // namespace lyceum::http
