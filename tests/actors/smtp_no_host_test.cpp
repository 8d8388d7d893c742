// SPDX-License-Identifier: Apache-2.0
// Where no mail host is, and settings that can be none.
#include "actors/smtp.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
using result = delivery::result;
using testing::HasSubstr;

class no_host_test : public testing::Test {
protected:
  void SetUp() override {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    socklen_t size = sizeof at;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    relay_.port = ntohs(at.sin_port);
  }
  void TearDown() override { ::close(listener_); }
  delivery deliver() {
    return smtp::make(relay_, waits_).value()->deliver({"school@school.example", "ann@example.com", "x\r\n"});
  }

  int listener_ = -1;
  smtp_relay relay_{.host = "127.0.0.1", .tls = smtp_tls::none};
  smtp_waits waits_{.connect = 500ms, .greeting = 500ms, .step = 500ms, .last = 500ms, .all = 5s};
};

TEST_F(no_host_test, a_closed_port_and_an_unknown_name_are_unreachable_and_say_what_to_look_at) {
  auto told = deliver();
  EXPECT_EQ(told.how, result::unreachable);
  EXPECT_THAT(told.reason, HasSubstr("cannot be connected to: is it up"));
  relay_ = {.host = "nobody.invalid"};
  told = deliver();
  EXPECT_EQ(told.how, result::unreachable);
  EXPECT_THAT(told.reason, HasSubstr("nobody.invalid:587"));
}

TEST_F(no_host_test, a_black_hole_is_left_within_the_stated_wait) {
  ::listen(listener_, 16);
  for (const auto tls : {smtp_tls::none, smtp_tls::start_tls, smtp_tls::implicit}) {
    relay_.tls = tls;
    const auto begun = std::chrono::steady_clock::now();
    const auto told = deliver();
    EXPECT_EQ(told.how, result::unreachable) << told.reason;
    EXPECT_THAT(told.reason, HasSubstr("did not answer in time"));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 4s); // 5 s is the wait for all of it
  }
}

TEST_F(no_host_test, an_address_that_is_none_reaches_no_host) {
  ::listen(listener_, 16);
  const auto over = smtp::make(relay_, waits_).value();
  EXPECT_EQ(over->deliver({"school@school.example", "ann@example.com>\r\nRCPT TO:<eve@example.com", "x"}).how,
            result::refused);
  EXPECT_EQ(over->deliver({"a b@school.example", "ann@example.com", "x"}).how, result::refused);
  pollfd waiting{listener_, POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 100), 0);
}

TEST(smtp_settings, what_could_leak_or_cannot_be_is_refused) {
  const auto refused = [](const smtp_relay& to) {
    const auto made = smtp::make(to);
    return !made && made.error().what == problem::kind::invalid;
  };
  EXPECT_TRUE(refused({.host = "mx.example", .tls = smtp_tls::none}));
  EXPECT_TRUE(refused({.host = "127.0.0.1.example", .tls = smtp_tls::none}));
  EXPECT_TRUE(refused({.host = ""}));
  EXPECT_TRUE(refused({.host = "mx.example/x"}));
  EXPECT_TRUE(refused({.host = "user@mx.example"}));
  EXPECT_TRUE(refused({.host = "mx.example", .port = 0}));
  EXPECT_TRUE(refused({.host = "mx.example", .hello_name = "a b"}));
  EXPECT_TRUE(refused({.host = "mx.example", .user = "a\r\nb"}));
  EXPECT_TRUE(refused({.host = "mx.example", .ca_file = "/nowhere/ca.pem"}));
  EXPECT_FALSE(refused({.host = "mx.example"}));
  EXPECT_FALSE(refused({.host = "::1", .tls = smtp_tls::none}));
  EXPECT_FALSE(refused({.host = "127.8.9.1", .tls = smtp_tls::none}));
}

} // namespace
} // namespace lyceum
