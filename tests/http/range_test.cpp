// SPDX-License-Identifier: Apache-2.0
#include "http/range.hpp"

#include <gtest/gtest.h>

namespace lyceum::http {
namespace {

using kind = byte_range::kind;

TEST(range_test, single_ranges_are_parts) {
  EXPECT_EQ(read_range("bytes=0-99", 1000), (byte_range{kind::part, 0, 100}));
  EXPECT_EQ(read_range("bytes=0-0", 1000), (byte_range{kind::part, 0, 1}));
  EXPECT_EQ(read_range("bytes=990-", 1000), (byte_range{kind::part, 990, 10}));
  EXPECT_EQ(read_range("bytes=-10", 1000), (byte_range{kind::part, 990, 10}));
  EXPECT_EQ(read_range("bytes=-5000", 1000), (byte_range{kind::part, 0, 1000}));
  EXPECT_EQ(read_range("bytes=900-5000", 1000), (byte_range{kind::part, 900, 100}));
  EXPECT_EQ(read_range("BYTES=1-2", 1000), (byte_range{kind::part, 1, 2}));
}

TEST(range_test, what_lies_behind_the_end_is_unsatisfiable) {
  EXPECT_EQ(read_range("bytes=1000-", 1000).what, kind::unsatisfiable);
  EXPECT_EQ(read_range("bytes=1000-1001", 1000).what, kind::unsatisfiable);
  EXPECT_EQ(read_range("bytes=-0", 1000).what, kind::unsatisfiable);
  EXPECT_EQ(read_range("bytes=0-", 0).what, kind::unsatisfiable);
  EXPECT_EQ(content_range(read_range("bytes=2000-", 1000), 1000), "bytes */1000");
  EXPECT_EQ(content_range(read_range("bytes=1-2", 1000), 1000), "bytes 1-2/1000");
}

TEST(range_test, malformed_and_several_ranges_mean_the_whole_file) {
  for (const auto* text : {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=1-2,4-5", "items=0-1",
                           "bytes=--1", "bytes=1", "bytes=+1-2", "bytes=1-2x", "bytes=0x1-2", "bytes = 1-2"})
    EXPECT_EQ(read_range(text, 1000).what, kind::whole) << text;
}

TEST(range_test, numbers_of_any_size_do_not_overflow) {
  EXPECT_EQ(read_range("bytes=0-99999999999999999999999", 1000), (byte_range{kind::part, 0, 1000}));
  EXPECT_EQ(read_range("bytes=99999999999999999999999-", 1000).what, kind::unsatisfiable);
  EXPECT_EQ(read_range("bytes=-99999999999999999999999", 1000), (byte_range{kind::part, 0, 1000}));
  EXPECT_EQ(read_range("bytes=9223372036854775807-9223372036854775807", INT64_MAX).what, kind::unsatisfiable);
  EXPECT_EQ(read_range("bytes=9223372036854775806-", INT64_MAX), (byte_range{kind::part, INT64_MAX - 1, 1}));
}

TEST(range_test, if_range_needs_exactly_the_same_file) {
  const auto modified = unix_time(std::chrono::seconds(784111777));
  EXPECT_TRUE(range_applies("", "\"a\"", modified));
  EXPECT_TRUE(range_applies("\"a\"", "\"a\"", modified));
  EXPECT_FALSE(range_applies("\"b\"", "\"a\"", modified));
  EXPECT_FALSE(range_applies("W/\"a\"", "\"a\"", modified)) << "weak tags do not count";
  EXPECT_TRUE(range_applies("Sun, 06 Nov 1994 08:49:37 GMT", "\"a\"", modified));
  EXPECT_FALSE(range_applies("Sun, 06 Nov 1994 08:49:38 GMT", "\"a\"", modified));
  EXPECT_FALSE(range_applies("nonsense", "\"a\"", modified));
}

TEST(range_test, dates_are_read_in_their_three_forms) {
  const auto moment = unix_time(std::chrono::seconds(784111777));
  EXPECT_EQ(http_date(moment), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(read_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), moment);
  EXPECT_EQ(read_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), moment);
  EXPECT_EQ(read_http_date("Sun Nov  6 08:49:37 1994"), moment);
  for (const auto* text :
       {"", "Sun", "Sun, 31 Feb 2020 00:00:00 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT"})
    EXPECT_EQ(read_http_date(text), std::nullopt) << text;
}

TEST(range_test, entity_tags_are_compared_weakly) {
  EXPECT_TRUE(etag_matches("\"a\"", "\"a\""));
  EXPECT_TRUE(etag_matches("W/\"a\"", "\"a\""));
  EXPECT_TRUE(etag_matches("\"x,y\", \"a\"", "\"a\""));
  EXPECT_TRUE(etag_matches(" * ", "\"a\""));
  EXPECT_FALSE(etag_matches("\"b\"", "\"a\""));
  EXPECT_FALSE(etag_matches("a", "\"a\""));
  EXPECT_FALSE(etag_matches("\"a", "\"a\""));
  EXPECT_FALSE(etag_matches("", "\"a\""));
  EXPECT_FALSE(etag_matches("W/", "\"a\""));
}

} // namespace
} // namespace lyceum::http
