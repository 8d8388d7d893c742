// SPDX-License-Identifier: Apache-2.0
#include "supervision/heart/address.hpp"

#include <arpa/inet.h>
#include <charconv>

namespace lyceum::heart {

std::string address::text() const {
  return (ipv6() ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool address::loopback() const {
  return host.starts_with("127.") || host == "::1";
}

expected<address> parse_address(std::string_view text) {
  auto wrong = [&](std::string_view why) {
    return fail(problem::kind::invalid, "'" + std::string(text) + "' is no address to listen on (" + std::string(why) +
                                            "): write 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080");
  };
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return wrong("it has no port");
  auto host = std::string(text.substr(0, colon));
  auto digits = text.substr(colon + 1);
  unsigned port = 0;
  auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (failed != std::errc{} || end != digits.data() + digits.size() || port > 65535)
    return wrong("its port is not a number up to 65535");

  if (host.empty() || host == "localhost")
    host = "127.0.0.1";
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed)
    host = host.substr(1, host.size() - 2);
  in6_addr bytes{};
  if (inet_pton(bracketed ? AF_INET6 : AF_INET, host.c_str(), &bytes) != 1)
    return wrong(host.find(':') != std::string::npos && !bracketed ? "an IPv6 address stands in brackets"
                                                                   : "its host is not a numeric address");
  return address{host, static_cast<std::uint16_t>(port)};
}

} // namespace lyceum::heart
