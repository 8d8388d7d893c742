// SPDX-License-Identifier: Apache-2.0
#include "http/target.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace lyceum::http {
namespace {

using kind = problem::kind;

void expect_refused(std::string_view text, kind what = kind::invalid) {
  const auto got = read_target(text);
  ASSERT_FALSE(got) << text << " became " << got->path;
  EXPECT_EQ(got.error().what, what) << text;
}

TEST(target_test, a_path_is_decoded_once) {
  EXPECT_EQ(read_target("/caf%C3%A9")->path, "/café");
  EXPECT_EQ(read_target("/%2561")->path, "/%61");
  EXPECT_EQ(read_target("/a+b")->path, "/a+b") << "a plus is a space in queries only";
  EXPECT_EQ(read_target("/a%20b")->path, "/a b");
  EXPECT_EQ(read_target("/courses/")->path, "/courses/");
  EXPECT_EQ(read_target("?a=b")->path, "/") << "what http://host?a=b leaves";
}

TEST(target_test, ways_out_of_the_tree_are_refused) {
  for (const auto* text :
       {"/..", "/../etc/passwd", "/a/../b", "/a/..", "/./a", "/a/.", "/%2e%2e/a", "/.%2E/a", "/a/%2e", "/..%2fetc",
        "/a%2fb", "/a%2Fb", "/a%5cb", "/a\\b", "/..\\..\\a", "/%2e%2e%5ca", "/..%5c"})
    expect_refused(text);
  EXPECT_EQ(read_target("/%252e%252e/a")->path, "/%2e%2e/a") << "decoded once, this is a name like any other";
  EXPECT_EQ(read_target("/..a/b..")->path, "/..a/b..");
  EXPECT_EQ(read_target("/...")->path, "/...");
}

TEST(target_test, an_empty_part_is_not_found) {
  expect_refused("//evil.example", kind::not_found);
  expect_refused("/a//b", kind::not_found);
  expect_refused("//", kind::not_found);
  expect_refused("///", kind::not_found);
}

TEST(target_test, broken_octets_are_refused) {
  for (const auto* text : {"/%", "/%1", "/%zz", "/%00", "/%0a", "/%7f", "/%ff", "/%c0%af", "/%e0%80%af", "/%ed%a0%80",
                           "/%f4%90%80%80", "/%c3", "/?a=%ff", "/?a=%", "/?a=%00", "/?%00=a"})
    expect_refused(text);
}

TEST(target_test, a_query_is_read_in_order) {
  const auto got = read_target("/search?q=a+b%26c&page=2&&flag&q=");
  const query_fields expected = {{"q", "a b&c"}, {"page", "2"}, {"flag", ""}, {"q", ""}};
  EXPECT_EQ(got->query, expected);
}

TEST(target_test, two_hundred_fields_pass_and_one_more_does_not) {
  std::string text = "/?a=0";
  for (int i = 1; i < 200; ++i)
    text += "&a=" + std::to_string(i);
  EXPECT_EQ(read_target(text)->query.size(), 200u);
  expect_refused(text + "&a");
}

TEST(target_test, what_is_encoded_is_read_back) {
  EXPECT_TRUE(rc::check("encoded_path and read_target are inverse", [](const std::vector<std::string>& parts) {
    std::string path;
    for (const auto& part : parts)
      path += "/" + part;
    RC_PRE(!path.empty());
    const auto got = read_target(encoded_path(path));
    if (got)
      RC_ASSERT(got->path == path);
    else // nothing but the rules of paths may be in the way
      RC_ASSERT(
          path.find_first_not_of("/") == std::string::npos || !is_utf8(path) || path.find("//") != std::string::npos ||
          path.find('\\') != std::string::npos || path.find("/.") != std::string::npos ||
          std::any_of(path.begin(), path.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }) ||
          std::any_of(parts.begin(), parts.end(), [](const auto& p) { return p.find('/') != std::string::npos; }));
  }));
}

TEST(target_test, no_octets_lead_out_of_the_tree) {
  EXPECT_TRUE(rc::check("every path that is taken is normal", [] {
    const auto pieces = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>("/", "..", ".", "%2e", "%2E", "%2f", "%5c", "\\", "%", "%00", "a", "%c3%a9",
                                      "%c0", "?", "&", "=", "%25", "2e", "+"));
    std::string text = "/";
    for (const auto& piece : pieces)
      text += piece;
    if (const auto got = read_target(text)) {
      const auto bounded = got->path + "/";
      RC_ASSERT(got->path.starts_with('/'));
      RC_ASSERT(is_utf8(got->path));
      RC_ASSERT(got->path.find("//") == std::string::npos);
      RC_ASSERT(bounded.find("/../") == std::string::npos);
      RC_ASSERT(bounded.find("/./") == std::string::npos);
      RC_ASSERT(got->path.find('\\') == std::string::npos);
      RC_ASSERT(got->path.find('\0') == std::string::npos);
    }
  }));
}

} // namespace
} // namespace lyceum::http
