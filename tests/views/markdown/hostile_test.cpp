// SPDX-License-Identifier: Apache-2.0
#include "tests/views/markdown/browser.hpp"
#include "tests/views/markdown/hostile.hpp"
#include "views/markdown.hpp"

#include <ctime>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace lyceum;
using namespace lyceum::tests;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double slower = 20; // sanitizers, in a debug build
#else
constexpr double slower = 1;
#endif

struct outcome {
  double seconds = 0; ///< of this thread's processor time
  expected<rendered_text> made;
};

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

outcome render(std::string markdown, bool trusted) {
  render_input input;
  input.markdown = std::move(markdown);
  input.trusted_html = trusted;
  const double started = thread_seconds();
  auto made = views::render_lesson(input);
  return {thread_seconds() - started, std::move(made)};
}

class hostile : public testing::TestWithParam<family> {};

std::string test_name(const testing::TestParamInfo<family>& info) {
  std::string name(info.param.name);
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)))
      c = '_';
  return name;
}

problem::kind kind_of(const std::string& markdown) {
  const auto made = render(markdown, false).made;
  return made ? problem::kind::internal : made.error().what;
}

} // namespace

TEST_P(hostile, stays_in_time_and_space_at_the_largest_size) {
  for (const bool trusted : {false, true}) {
    const auto text = GetParam().make(views::lesson_bytes_max);
    ASSERT_LE(text.size(), views::lesson_bytes_max);
    const auto result = render(text, trusted);
    EXPECT_LT(result.seconds, 2 * slower);
    if (!result.made) {
      EXPECT_EQ(result.made.error().what, problem::kind::too_large) << result.made.error().detail;
      continue;
    }
    EXPECT_LE(result.made->html.size(), 8 * text.size() + 4096);
    EXPECT_EQ(unbalanced(result.made->html), "");
  }
}

TEST_P(hostile, needs_not_much_more_than_twice_the_time_for_twice_the_size) {
  // Where the smaller one is too quick to be measured, the bound above has to do.
  const double once = render(GetParam().make(views::lesson_bytes_max / 4), false).seconds;
  const double twice = render(GetParam().make(views::lesson_bytes_max / 2), false).seconds;
  EXPECT_LT(twice, 3.5 * once + 0.05 * slower);
}

TEST_P(hostile, is_quick_as_a_comment) {
  const auto text = GetParam().make(views::comment_bytes_max);
  const double started = thread_seconds();
  const auto made = views::render_comment(text);
  EXPECT_LT(thread_seconds() - started, 0.1 * slower);
  EXPECT_TRUE(made || made.error().what == problem::kind::too_large);
}

INSTANTIATE_TEST_SUITE_P(families, hostile, testing::ValuesIn(hostile_families()), test_name);

TEST(limits, refuse_twenty_thousand_levels) {
  for (const std::string piece : {"> ", "- ", "* ", "1. ", "+ ", "> - ", ">"})
    EXPECT_EQ(kind_of(repeated(piece, 20'000 * piece.size() > 200'000 ? 200'000 : 20'000 * piece.size()) + "a"),
              problem::kind::too_large)
        << piece;
  EXPECT_EQ(kind_of(repeated("*", 40'000) + "a" + repeated("*", 40'000)), problem::kind::too_large);
}

TEST(limits, refuse_a_table_of_five_thousand_columns_and_say_so) {
  const auto made = render(repeated("|a", 10'000) + "|\n" + repeated("|-", 10'000) + "|\n", false).made;
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().what, problem::kind::too_large);
  EXPECT_THAT(made.error().detail, testing::HasSubstr("256 columns"));
}

TEST(limits, hold_what_references_may_grow_to) {
  const auto made = render("[a]: " + repeated("u", 100'000) + "\n\n" + repeated("[a]", 100'000), false).made;
  if (made)
    EXPECT_LE(made->html.size(), 8U * 200'009 + 4096);
  else
    EXPECT_EQ(made.error().what, problem::kind::too_large);
}

TEST(limits, let_code_look_as_it_likes) {
  EXPECT_TRUE(
      render("```\n>>>>>>> theirs\n" + repeated("> ", 35) + "x\n" + repeated(" ", 90) + "- a\n```\n", false).made);
  EXPECT_TRUE(render(repeated("- ", 200) + "\n\n" + repeated("* ", 300) + "\n", false).made); // rules, not lists
}
