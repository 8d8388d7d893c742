// SPDX-License-Identifier: Apache-2.0
// A server that cannot start any more: the heart waits longer each time, and tells visitors meanwhile.
#include "tests/site/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

namespace lyceum::testing {
namespace {

using ::testing::HasSubstr;

TEST(a_boot_loop, backs_off_says_why_and_visitors_are_told) {
  const scratch place;
  const auto theme = place / "theme" / "pages" / "home.mustache";
  write_file(theme, "<h1>all is well</h1>\n");
  server school({.content = sample_school(), .arguments = {"--theme", (place / "theme").string()}});
  ASSERT_TRUE(school.ready()) << school.log();
  ASSERT_TRUE(eventually([&] { return school.uptime() > 1300ms; })); // a later death than that is no boot loop
  write_file(theme, "{{#never_closed}}");
  ASSERT_EQ(kill(school.process(), SIGKILL), 0);
  // At once, and then after 0, 1, 2, 4 … seconds: the last of these leaves time to look.
  EXPECT_TRUE(
      eventually([&] { return school.log().find("started again in 4 s, restart 5") != std::string::npos; }, 30s))
      << school.log();
  const auto log = school.log();
  EXPECT_THAT(log, HasSubstr("the theme cannot be used")); // why
  EXPECT_THAT(log, HasSubstr("exited with status 1"));
  EXPECT_THAT(log, HasSubstr("before it was ready; started again in 1 s, restart 3. Visitors get 503 until then"));
  const auto told = school.get("/courses?any=thing");
  EXPECT_EQ(told.status, 503);
  EXPECT_FALSE(told.field("Retry-After").empty());
  EXPECT_THAT(read_file(school.data() / "run" / "heart.json"), HasSubstr("\"state\": \"waiting\""));

  write_file(theme, "<h1>mended</h1>\n");
  ASSERT_EQ(kill(school.heart(), SIGHUP), 0); // no need to wait for the next try
  EXPECT_TRUE(eventually([&] { return school.get("/").body.find("mended") != std::string::npos; }, 10s))
      << school.log();
  EXPECT_EQ(school.stop(), 0);
}

} // namespace
} // namespace lyceum::testing
