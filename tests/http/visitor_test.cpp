// SPDX-License-Identifier: Apache-2.0
#include "http/visitor.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace lyceum::http {
namespace {

TEST(visitor_test, a_browser_is_called_as_its_owner_calls_it) {
  struct known {
    const char* agent;
    const char* device;
  };
  for (const auto& [agent, device] : {
           known{"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"},
           known{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
                 "Safari/537.36",
                 "Chrome on Windows"},
           known{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
                 "Safari/537.36 Edg/126.0.2592.87",
                 "Edge on Windows"},
           known{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                 "Version/17.5 Safari/605.1.15",
                 "Safari on macOS"},
           known{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                 "Version/17.5 Mobile/15E148 Safari/604.1",
                 "Safari on iPhone"},
           known{"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
                 "Mobile Safari/537.36",
                 "Chrome on Android"},
           known{"curl/7.88.1", "curl"},
           known{"", "Unknown browser"},
           known{"<script>alert(1)</script>", "Unknown browser"},
       })
    EXPECT_EQ(device_text(agent), device) << agent;
}

TEST(visitor_test, nothing_that_a_visitor_wrote_is_in_the_name) {
  rc::check("a short name in ASCII", [](const std::string& agent) {
    const auto device = device_text(agent);
    RC_ASSERT(!device.empty() && device.size() <= 60);
    RC_ASSERT(std::ranges::all_of(device, [](char c) { return c >= ' ' && c < 0x7f && c != '<'; }));
  });
}

TEST(visitor_test, an_address_is_shown_without_its_last_part) {
  EXPECT_EQ(masked_peer("203.0.113.77"), "203.0.113.x");
  EXPECT_EQ(masked_peer("2001:db8:7:1::42"), "2001:db8:7::x");
  EXPECT_EQ(masked_peer("::1"), "::x");
  EXPECT_EQ(masked_peer(""), "?");
  EXPECT_EQ(masked_peer("203.0.113.77; DROP"), "?");
}

TEST(visitor_test, a_subscriber_is_counted_once_however_many_addresses_they_have) {
  EXPECT_EQ(peer_to_count("203.0.113.77"), "203.0.113.77");
  EXPECT_EQ(peer_to_count("2001:db8:7:1::42"), "2001:db8:7:1::/64");
  EXPECT_EQ(peer_to_count("2001:db8:7:1:ffff::1"), "2001:db8:7:1::/64");
  EXPECT_NE(peer_to_count("2001:db8:7:2::42"), "2001:db8:7:1::/64");
}

} // namespace
} // namespace lyceum::http
