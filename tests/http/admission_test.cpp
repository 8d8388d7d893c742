// SPDX-License-Identifier: Apache-2.0
#include "http/admission.hpp"

#include "reader.hpp"

#include <gtest/gtest.h>

namespace lyceum::http {
namespace {

using testing::read_cases;
using testing::read_requests;

head admitted(std::string_view header) {
  head out;
  const auto no = admit(header, out);
  EXPECT_FALSE(no) << (no ? no->why : "");
  return out;
}

TEST(admission_test, every_raw_request_is_taken_or_refused_as_the_rules_say) {
  const auto cases = read_cases(LYCEUM_REQUESTS);
  ASSERT_GT(cases.size(), 180u) << "the file was not read";
  for (const auto& one : cases) {
    const auto got = read_requests(one.octets);
    EXPECT_EQ(got.refused, one.refused) << "line " << one.line << ": " << one.name;
    EXPECT_EQ(got.targets.size(), static_cast<std::size_t>(one.requests)) << "line " << one.line << ": " << one.name;
  }
}

TEST(admission_test, pieces_of_any_size_mean_the_same) {
  for (const auto& one : read_cases(LYCEUM_REQUESTS)) {
    const auto whole = read_requests(one.octets);
    for (const std::size_t piece : {1u, 2u, 3u, 7u}) {
      const auto pieces = read_requests(one.octets, piece);
      EXPECT_EQ(pieces.refused, whole.refused) << one.name << " in pieces of " << piece;
      EXPECT_EQ(pieces.targets, whole.targets) << one.name << " in pieces of " << piece;
      EXPECT_EQ(pieces.bodies, whole.bodies) << one.name << " in pieces of " << piece;
    }
  }
}

TEST(admission_test, what_the_hot_path_needs_is_read) {
  const auto got =
      admitted("GET /a?b=c HTTP/1.1\r\nHost: school.example:80\r\nAccept-Encoding: br\r\nIf-None-Match: \"x\"\r\n"
               "If-Modified-Since: yesterday\r\nCookie: a=b\r\nAuthorization: Basic eA==\r\n\r\n");
  EXPECT_EQ(got.method, "GET");
  EXPECT_EQ(got.target, "/a?b=c");
  EXPECT_EQ(got.host, "school.example");
  EXPECT_EQ(got.accept_encoding, "br");
  EXPECT_EQ(got.if_none_match, "\"x\"");
  EXPECT_EQ(got.if_modified_since, "yesterday");
  EXPECT_TRUE(got.has_cookie);
  EXPECT_TRUE(got.has_authorization);
  EXPECT_TRUE(got.keep_alive);
  EXPECT_FALSE(got.has_body());
}

TEST(admission_test, an_absolute_target_decides_the_host) {
  const auto got = admitted("GET http://other.example/x HTTP/1.1\r\nHost: school.example\r\n\r\n");
  EXPECT_EQ(got.host, "other.example");
  EXPECT_EQ(got.target, "/x");
}

TEST(admission_test, a_repeated_condition_is_no_condition) {
  const auto got = admitted("GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\"\r\nIf-None-Match: \"y\"\r\n"
                            "Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n\r\n");
  EXPECT_EQ(got.if_none_match, "");
  EXPECT_EQ(got.accept_encoding, "");
}

TEST(admission_test, one_hundred_fields_pass_and_one_more_does_not) {
  for (const int extra : {99, 100}) {
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < extra; ++i)
      text += "X-" + std::to_string(i) + ": y\r\n";
    EXPECT_EQ(read_requests(text + "\r\n").refused, extra == 99 ? 0 : 431);
  }
}

TEST(admission_test, all_fields_are_visited_without_their_white_space) {
  const auto got = admitted("GET / HTTP/1.1\r\nHost:  a \t\r\nEmpty:\r\nX: y: z\r\n\r\n");
  std::vector<std::pair<std::string, std::string>> seen;
  for_each_field(got, [&](auto name, auto value) { seen.emplace_back(name, value); });
  const decltype(seen) expected = {{"Host", "a"}, {"Empty", ""}, {"X", "y: z"}};
  EXPECT_EQ(seen, expected);
}

} // namespace
} // namespace lyceum::http
