// SPDX-License-Identifier: Apache-2.0
// How `lyceum ctl mail` is read, and where a configuration sends mail.
#include "ops/mail.hpp"
#include "ops/mail_commands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lyceum {
namespace {

using verb = mail_order::verb;
using words = std::vector<std::string>;

mail_order read(const words& args) {
  const auto got = parse_mail_order(args);
  if (const auto* wrong = std::get_if<std::string>(&got)) {
    ADD_FAILURE() << *wrong;
    return {};
  }
  return std::get<mail_order>(got);
}

TEST(mail_order_test, alone_it_counts) {
  EXPECT_EQ(read({}).what, verb::counts);
  EXPECT_EQ(read({"counts"}).what, verb::counts);
}

TEST(mail_order_test, a_list_takes_filters_in_any_order_and_form) {
  const auto order = read(
      {"list", "--to", "ann@example.com", "--state=deferred", "--limit", "7", "--before=41", "--template", "receipt"});
  EXPECT_EQ(order.what, verb::list);
  EXPECT_EQ(order.recipient, "ann@example.com");
  EXPECT_EQ(order.state, mail_state::deferred);
  EXPECT_EQ(order.limit, 7);
  EXPECT_EQ(order.before, 41);
  EXPECT_EQ(order.template_name, "receipt");
  EXPECT_EQ(read({"list"}).state, std::nullopt);
}

TEST(mail_order_test, each_verb_is_read) {
  EXPECT_EQ(read({"show", "12"}).number, 12);
  EXPECT_EQ(read({"retry", "12"}).what, verb::retry);
  EXPECT_EQ(read({"retry", "--failed"}).what, verb::retry_failed);
  EXPECT_EQ(read({"retry", "--failed", "receipt"}).template_name, "receipt");
  EXPECT_EQ(read({"drop", "12"}).what, verb::drop);
  EXPECT_EQ(read({"pause"}).template_name, "");
  EXPECT_EQ(read({"pause", "receipt"}).template_name, "receipt");
  EXPECT_EQ(read({"resume", "receipt"}).what, verb::resume);
  EXPECT_EQ(read({"suppressed"}).what, verb::suppressed);
  EXPECT_EQ(read({"suppressed", "list"}).what, verb::suppressed);
  EXPECT_EQ(read({"suppressed", "add", "ann@example.com"}).what, verb::suppress);
  EXPECT_EQ(read({"suppressed", "remove", "ann@example.com"}).recipient, "ann@example.com");
}

TEST(mail_order_test, what_cannot_be_is_told_with_the_usage) {
  for (const auto& wrong : std::vector<words>{{"burn"},
                                              {"show"},
                                              {"show", "x"},
                                              {"show", "-1"},
                                              {"show", "0"},
                                              {"show", "1", "2"},
                                              {"drop"},
                                              {"retry", "--all"},
                                              {"retry", "--failed", "A B"},
                                              {"pause", "A"},
                                              {"pause", "a", "b"},
                                              {"list", "--state"},
                                              {"list", "--state", "lost"},
                                              {"list", "x"},
                                              {"list", "--to", "ann"},
                                              {"list", "--limit", "201"},
                                              {"list", "--limit", "0"},
                                              {"list", "--before", "yesterday"},
                                              {"suppressed", "add"},
                                              {"suppressed", "add", "ann"},
                                              {"suppressed", "burn", "ann@example.com"},
                                              {"counts", "all"}}) {
    const auto got = parse_mail_order(wrong);
    ASSERT_TRUE(std::holds_alternative<std::string>(got)) << ::testing::PrintToString(wrong);
    EXPECT_THAT(std::get<std::string>(got), ::testing::HasSubstr("retry --failed [NAME]"));
  }
}

TEST(mail_road_test, mail_goes_to_the_host_else_stays_here_and_is_held_where_the_site_is_public) {
  config cfg;
  for (const char* own : {"", "http://localhost:8080", "http://127.0.0.1", "https://[::1]:8443"}) {
    cfg.base_url = own;
    EXPECT_EQ(mail_road_of(cfg).what, mail_road::kind::mailbox) << own;
  }
  for (const char* world : {"https://school.example", "http://127.0.0.1.example", "http://192.0.2.7:8080"}) {
    cfg.base_url = world;
    EXPECT_EQ(mail_road_of(cfg).what, mail_road::kind::held) << world;
  }
  cfg.mail.host = "smtp.example";
  EXPECT_EQ(mail_road_of(cfg).what, mail_road::kind::host);
  EXPECT_EQ(mail_road_of(cfg).host, "smtp.example:587");
  cfg.mail.host = "::1";
  EXPECT_EQ(mail_road_of(cfg).host, "[::1]:587");
}

} // namespace
} // namespace lyceum
