// SPDX-License-Identifier: Apache-2.0
#include "http/forms.hpp"

#include "http/target.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace lyceum::http {
namespace {

constexpr std::string_view type = "application/x-www-form-urlencoded";

TEST(forms_test, fields_are_decoded_once) {
  const auto read = read_form(type, "a=1&b=x+y%20z&c=%C3%A9&d=%2541&e=&f");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->get("a"), "1");
  EXPECT_EQ(read->get("b"), "x y z");
  EXPECT_EQ(read->get("c"), "é");
  EXPECT_EQ(read->get("d"), "%41");
  EXPECT_EQ(read->get("e"), "");
  EXPECT_EQ(read->get("f"), "");
  EXPECT_EQ(read->get("g"), "");
  EXPECT_TRUE(read_form("Application/X-WWW-Form-urlencoded ; charset=UTF-8", "a=1"));
  EXPECT_TRUE(read_form(type, ""));
}

TEST(forms_test, what_could_be_read_in_two_ways_is_no_form) {
  for (const std::string_view body :
       {"a=1&a=2", "a=1&%61=2", "a&a", "=1&=2", "a=%", "a=%4", "a=%zz", "a=%ff", "a=%00", "%00=a", "a=%C3", "%C0%AF=a"})
    EXPECT_EQ(read_form(type, body).error().what, problem::kind::invalid) << body;
  for (const std::string_view other :
       {"", "text/plain", "multipart/form-data; boundary=x", "application/json", "application/x-www-form-urlencodedx"})
    EXPECT_EQ(read_form(other, "a=1").error().what, problem::kind::invalid) << other;
}

TEST(forms_test, two_hundred_fields_are_a_form_and_one_more_is_none) {
  std::string body;
  for (std::size_t i = 0; i < form_fields_max; ++i)
    body += (i == 0 ? "f" : "&f") + std::to_string(i) + "=1";
  EXPECT_TRUE(read_form(type, body));
  EXPECT_EQ(read_form(type, body + "&g=1").error().what, problem::kind::too_large);
}

TEST(forms_test, whatever_is_sent_as_a_field_comes_back_whole) {
  rc::check("encoded and read", [] {
    const auto name = *rc::gen::string<std::string>();
    const auto value = *rc::gen::string<std::string>();
    RC_PRE(is_utf8(name) && is_utf8(value) && name.find('\0') == name.npos && value.find('\0') == value.npos);
    const auto read = read_form(type, query_value(name) + "=" + query_value(value));
    RC_ASSERT(read.has_value());
    RC_ASSERT(read->get(name) == value);
  });
}

TEST(forms_test, one_goes_on_to_paths_of_this_site_alone) {
  EXPECT_EQ(own_path("/courses/a?b=c#d"), "/courses/a?b=c#d");
  EXPECT_EQ(own_path("/"), "/");
  EXPECT_EQ(own_path("/courses/caf%C3%A9"), "/courses/caf%C3%A9");
  EXPECT_EQ(own_path("/courses/café au lait"), "/courses/caf%C3%A9%20au%20lait");
  EXPECT_EQ(own_path("/a//b"), "/a//b");
  EXPECT_EQ(own_path("/100%"), "/100%");
  for (const std::string_view elsewhere : {"",
                                           "courses",
                                           "//evil.example",
                                           "///evil.example",
                                           "/\\evil.example",
                                           "\\\\evil.example",
                                           "\\evil.example",
                                           "https://evil.example",
                                           "HTTPS:evil.example",
                                           "javascript:alert(1)",
                                           "/%5cevil.example",
                                           "/%5Cevil.example",
                                           "/%2fevil.example",
                                           "/%09/evil.example",
                                           "/a%0d%0ab",
                                           "%2f%2fevil.example",
                                           "/a\\b",
                                           "/a\r\nSet-Cookie: x=y",
                                           "/a\tb",
                                           "/a\x7f",
                                           "/\xff",
                                           " /courses",
                                           "\t//evil.example"})
    EXPECT_EQ(own_path(elsewhere), "/") << elsewhere;
  EXPECT_EQ(own_path("/" + std::string(own_path_octets_max - 1, 'a')).size(), own_path_octets_max);
  EXPECT_EQ(own_path("/" + std::string(own_path_octets_max, 'a')), "/");
}

TEST(forms_test, no_text_leads_to_another_site) {
  rc::check("own_path", [] {
    const auto piece = rc::gen::element<std::string>("/", "\\", "%2f", "%5C", "//", "evil.example", ":", "@", "?", "#",
                                                     "%", "a", "\n", " ", "é", "https:");
    const auto pieces = *rc::gen::container<std::vector<std::string>>(piece);
    std::string text;
    for (const auto& one : pieces)
      text += one;
    const auto path = own_path(text);
    RC_ASSERT(path.starts_with('/'));
    RC_ASSERT(path.size() == 1 || (path[1] != '/' && path[1] != '\\'));
    for (const char c : path)
      RC_ASSERT(c > 0x20 && c < 0x7f && c != '\\');
  });
}

} // namespace
} // namespace lyceum::http
