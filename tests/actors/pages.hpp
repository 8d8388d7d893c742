// SPDX-License-Identifier: Apache-2.0
// The vocabulary of the page tests.
#pragma once

#include "actors/page.hpp"

#include <string>
#include <utility>
#include <vector>

namespace lyceum {

inline response answer_of(std::string body, std::vector<std::string> tags = {}, std::int64_t seq = 1) {
  response answer;
  answer.body = std::move(body);
  answer.cache = {.what = cache_rule::kind::page, .tags = std::move(tags), .fresh_until = {}, .content_seq = seq};
  return answer;
}

inline page_ptr page_of(std::string body, std::vector<std::string> tags = {}, std::int64_t seq = 1) {
  return make_page(answer_of(std::move(body), std::move(tags), seq), "/test");
}

inline std::string long_text(std::size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i)
    text += "<p>Lesson " + std::to_string(i * 7919 % 1000) + " tells about supervision trees.</p>\n";
  text.resize(bytes);
  return text;
}

} // namespace lyceum
