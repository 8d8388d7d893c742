// SPDX-License-Identifier: Apache-2.0
#include "http/chunked.hpp"

#include <gtest/gtest.h>

namespace lyceum::http {
namespace {

using state = chunked_decoder::state;

struct decoded {
  state how;
  std::string body;
  std::size_t took;
};

decoded decode(std::string_view octets, std::uint64_t body_max = 1000) {
  chunked_decoder chunks(body_max);
  std::string body;
  const auto took = chunks.feed(octets, body);
  return {chunks.now(), body, took};
}

TEST(chunked_test, what_follows_the_body_is_left_alone) {
  const auto got = decode("3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n");
  EXPECT_EQ(got.how, state::done);
  EXPECT_EQ(got.body, "abc");
  EXPECT_EQ(got.took, 13u);
}

TEST(chunked_test, chunks_of_any_cut_give_the_same_body) {
  const std::string text = "3;a=b\r\nabc\r\n00A\r\n0123456789\r\n0\r\nX: y\r\n\r\n";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    chunked_decoder chunks(1000);
    std::string body;
    EXPECT_EQ(chunks.feed(std::string_view(text).substr(0, cut), body), cut);
    EXPECT_EQ(chunks.now(), state::more) << cut;
    chunks.feed(std::string_view(text).substr(cut), body);
    EXPECT_EQ(chunks.now(), state::done) << cut;
    EXPECT_EQ(body, "abc0123456789") << cut;
  }
}

TEST(chunked_test, the_bound_holds_for_the_sum_of_chunks) {
  EXPECT_EQ(decode("5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n", 10).how, state::done);
  EXPECT_EQ(decode("5\r\nhello\r\n6\r\nworld!\r\n0\r\n\r\n", 10).how, state::too_large);
  EXPECT_EQ(decode("5\r\nhello\r\nFFFFFFFFFFFFFFFF\r\n", 10).how, state::too_large) << "the sum overflows";
}

TEST(chunked_test, extensions_are_bounded_over_all_chunks) {
  std::string text;
  for (int i = 0; i < 20; ++i)
    text += "1;" + std::string(1000, 'x') + "\r\na\r\n";
  EXPECT_EQ(decode(text).how, state::malformed);
}

TEST(chunked_test, trailers_are_bounded) {
  EXPECT_EQ(decode("0\r\nX: " + std::string(4000, 'y') + "\r\n\r\n").how, state::done);
  EXPECT_EQ(decode("0\r\nX: " + std::string(4200, 'y')).how, state::malformed);
}

TEST(chunked_test, an_extension_needs_its_grammar) {
  for (const auto* good : {"", ";a", " ; a", ";a=b", ";a = b", ";a=\"b\\\"c\"", ";a;b=c;d"})
    EXPECT_TRUE(is_chunk_extension(good)) << good;
  for (const auto* wrong : {" ", ";", ";;a", ";=b", ";a=", ";a=\"b", "a", ";a b", ";a=\"b\\\"", "; a\x01"})
    EXPECT_FALSE(is_chunk_extension(wrong)) << wrong;
}

} // namespace
} // namespace lyceum::http
