// SPDX-License-Identifier: Apache-2.0
// What a visitor's browser and address are called, for people. Pure.
#pragma once

#include <string>
#include <string_view>

namespace lyceum::http {

/// "Firefox on Linux", from a User-Agent field; its owner is to recognise it in a list, and nothing is decided by it. "Unknown browser"
/// where it says nothing known. At most 60 octets, ASCII.
std::string device_text(std::string_view user_agent);

/// An address without its last part: "203.0.113.x", "2001:db8:7::x" (a /48, which is a site). "?" for what is no address.
std::string masked_peer(std::string_view peer);

/// Who is counted under an address: itself, and the first 64 bits of an IPv6 one, which are one subscriber's: "2001:db8:7:1::/64".
std::string peer_to_count(std::string_view peer);

} // namespace lyceum::http
