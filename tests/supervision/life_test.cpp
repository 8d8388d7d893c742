// SPDX-License-Identifier: Apache-2.0
// What every child has besides its behaviour.
#include "tests/supervision/tree_fixture.hpp"

namespace {

struct life : tree_test {};

// The crash report looked at the message before, which was gone by then: the whole process died of it.
TEST_F(life, a_throw_in_what_it_runs_for_itself_is_a_crash_like_any_other) {
  grow({.strategy = strategy::one_for_one, .intensity = 1000, .period = 30s}, {obeying("a")});
  for (std::uint64_t round = 1; round <= 20; ++round) {
    ASSERT_TRUE(reaches("a", round));
    const auto who = caf::actor_cast<caf::actor>(tree->named("a").handle());
    ASSERT_TRUE(who);
    for (int i = 0; i < 5; ++i)
      caf::anon_send(who, do_it{[](caf::event_based_actor*) {}});
    run_in(who, [] { throw std::runtime_error("in its own time"); });
  }
  ASSERT_TRUE(reaches("a", 21));
  const auto seen = tree->crashes().recent(1);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].reason, "in its own time");
  EXPECT_EQ(seen[0].times, 20u);
}

} // namespace
