// SPDX-License-Identifier: Apache-2.0
#include "actors/file_in_memory.hpp"
#include "actors/page.hpp"

#include <gtest/gtest.h>

#include <string>
#include <unistd.h>
#include <vector>

namespace lyceum {
namespace {

page_ptr page_of(std::size_t bytes) {
  response answer;
  answer.content_type = "text/html; charset=utf-8";
  answer.cache.what = cache_rule::kind::page;
  for (std::size_t i = 0; i < bytes; ++i)
    answer.body += static_cast<char>('a' + i % 23);
  return make_page(std::move(answer), "test");
}

std::string from_file(const page_bytes& of) {
  std::string read(of.body.size(), '\0');
  const auto n = ::pread(of.body_file, read.data(), read.size(), of.body_at);
  return n < 0 ? "" : read.substr(0, static_cast<std::size_t>(n));
}

TEST(file_in_memory, a_large_page_can_be_sent_from_a_file) {
  const auto page = page_of(file_in_memory::worth_it_from);
  ASSERT_GE(page->identity->body_file, 0);
  EXPECT_EQ(from_file(*page->identity), page->identity->body);
  EXPECT_TRUE(page->identity->head.ends_with("\r\n\r\n"));
  EXPECT_EQ(page->identity->whole().size(), page->identity->head.size() + file_in_memory::worth_it_from);
}

TEST(file_in_memory, a_small_page_lies_on_the_heap) {
  EXPECT_EQ(page_of(file_in_memory::worth_it_from - 1)->identity->body_file, -1);
}

TEST(file_in_memory, beyond_the_limit_pages_lie_on_the_heap_until_others_go) {
  const std::string bytes(file_in_memory::worth_it_from, 'x');
  std::vector<std::shared_ptr<const file_in_memory>> held;
  for (int i = 0; i < file_in_memory::alive_max; ++i)
    held.push_back(file_in_memory::copy(bytes));
  ASSERT_TRUE(held.back());
  EXPECT_FALSE(file_in_memory::copy(bytes));
  const auto page = page_of(file_in_memory::worth_it_from);
  EXPECT_EQ(page->identity->body_file, -1);
  EXPECT_EQ(page->identity->body.size(), file_in_memory::worth_it_from);
  held.clear();
  EXPECT_TRUE(file_in_memory::copy(bytes));
}

} // namespace
} // namespace lyceum
