// SPDX-License-Identifier: Apache-2.0
#include "http/visitor.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <optional>

namespace lyceum::http {
namespace {

struct word {
  std::string_view sign; ///< what stands in the field
  std::string_view name;
};

// The first that stands there counts: others call themselves Chrome and Safari, too.
constexpr std::array browsers{
    word{"Edg/", "Edge"},          word{"EdgA/", "Edge"},       word{"EdgiOS/", "Edge"},
    word{"OPR/", "Opera"},         word{"Vivaldi/", "Vivaldi"}, word{"SamsungBrowser/", "Samsung Internet"},
    word{"FxiOS/", "Firefox"},     word{"Firefox/", "Firefox"}, word{"CriOS/", "Chrome"},
    word{"Chromium/", "Chromium"}, word{"Chrome/", "Chrome"},   word{"Safari/", "Safari"},
    word{"curl/", "curl"},         word{"Wget/", "Wget"},
};
constexpr std::array systems{
    word{"iPhone", "iPhone"},   word{"iPad", "iPad"},       word{"Android", "Android"},
    word{"CrOS", "ChromeOS"},   word{"Windows", "Windows"}, word{"Mac OS X", "macOS"},
    word{"Macintosh", "macOS"}, word{"FreeBSD", "FreeBSD"}, word{"Linux", "Linux"},
};

template <std::size_t N>
std::string_view name_in(std::string_view text, const std::array<word, N>& words) {
  const auto found = std::ranges::find_if(words, [&](const word& w) { return text.find(w.sign) != text.npos; });
  return found == words.end() ? std::string_view{} : found->name;
}

/// Its 128 bits, or nothing for what is none.
std::optional<in6_addr> ipv6_of(std::string_view peer) {
  in6_addr bits{};
  if (inet_pton(AF_INET6, std::string(peer).c_str(), &bits) != 1)
    return std::nullopt;
  return bits;
}

bool is_ipv4(std::string_view peer) {
  in_addr bits{};
  return inet_pton(AF_INET, std::string(peer).c_str(), &bits) == 1;
}

/// Its first octets, the others zero: "2001:db8:7::".
std::string front_of(in6_addr bits, std::size_t octets) {
  std::fill(std::begin(bits.s6_addr) + octets, std::end(bits.s6_addr), static_cast<unsigned char>(0));
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, &bits, text.data(), text.size());
  return text.data();
}

} // namespace

std::string device_text(std::string_view user_agent) {
  const auto browser = name_in(user_agent, browsers);
  const auto system = name_in(user_agent, systems);
  std::string out(browser.empty() ? "Unknown browser" : browser);
  if (!system.empty())
    out.append(" on ").append(system);
  return out;
}

std::string masked_peer(std::string_view peer) {
  if (is_ipv4(peer))
    return std::string(peer.substr(0, peer.rfind('.') + 1)) + "x";
  if (const auto bits = ipv6_of(peer))
    return front_of(*bits, 6) + "x";
  return "?";
}

std::string peer_to_count(std::string_view peer) {
  if (const auto bits = ipv6_of(peer))
    return front_of(*bits, 8) + "/64";
  return std::string(peer);
}

} // namespace lyceum::http
