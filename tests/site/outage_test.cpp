// SPDX-License-Identifier: Apache-2.0
// What the server stands on goes away, and comes back.
#include "tests/site/own_postgres.hpp"
#include "tests/site/visitors.hpp"

#include <gtest/gtest.h>

#include <memory>

#include <sys/mount.h>
#include <unistd.h>

namespace lyceum::testing {
namespace {

constexpr auto cold = "/courses/let-it-crash/no-such-lesson"; // never kept: every answer asks the database

struct outage : ::testing::Test {
  std::unique_ptr<own_postgres> database;

  void SetUp() override {
    const char* there = std::getenv("LYCEUM_TEST_POSTGRES");
    if (!there || !*there)
      GTEST_SKIP() << "no PostgreSQL: set LYCEUM_TEST_POSTGRES (ops/test does)";
    database = std::make_unique<own_postgres>();
  }

  static void warm(server& school) {
    ASSERT_TRUE(school.ready()) << school.log();
    for (const auto* path : {"/", "/courses", "/articles"})
      ASSERT_TRUE(eventually([&] { return school.get(path).status == 200; }, 10s)) << path << '\n' << school.log();
    ASSERT_TRUE(eventually([&] { return school.get(cold).status == 404; }, 10s));
  }
  static void is_refused_politely(const server& school) {
    answer got;
    EXPECT_TRUE(eventually([&] { return (got = school.get(cold)).status == 503; }, 10s)) << got.status;
    EXPECT_FALSE(got.field("Retry-After").empty()) << got.head;
  }
  static void is_well_soon(const server& school) {
    EXPECT_TRUE(eventually([&] { return school.get(cold).status == 404; }, 5s)) << school.log();
  }
};

TEST_F(outage, kept_pages_are_served_while_the_database_is_stopped_and_all_is_well_soon_after) {
  server school({.content = sample_school(), .database = database->url});
  warm(school);
  visitors people({.port = school.port(), .paths = {"/", "/courses", "/articles"}, .rate = 200});
  for (int round = 0; round < 2; ++round) {
    database->down();
    is_refused_politely(school);
    EXPECT_EQ(school.get("/readyz").status, 200);
    EXPECT_NE(school.log().find("the database is away"), std::string::npos);
    database->up();
    is_well_soon(school);
  }
  const auto seen = people.leave();
  EXPECT_EQ(seen.failed, 0u) << seen.text();
  EXPECT_GT(seen.good, 100u);
}

TEST_F(outage, a_database_that_says_nothing_costs_nobody_more_than_the_limit_of_a_request) {
  server school({.content = sample_school(), .database = database->url});
  warm(school);
  visitors people({.port = school.port(), .paths = {"/", "/courses"}, .rate = 200});
  database->freeze();
  for (int i = 0; i < 2; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    const auto got = school.get(cold);
    EXPECT_TRUE(got.status == 503 || got.status == 504) << got.status;
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 9s); // 4 s is the limit
  }
  database->thaw();
  is_well_soon(school);
  const auto seen = people.leave();
  EXPECT_EQ(seen.failed, 0u) << seen.text();
}

TEST_F(outage, a_database_away_at_boot_leaves_the_warm_pages_and_migrates_when_it_comes) {
  const scratch place;
  server school({.content = sample_school(), .database = database->url, .data = place / "data"});
  warm(school);
  ASSERT_TRUE(eventually(
      [&] {
        return school.ctl({"inspect", "content/importer"}).out.find("rests") != std::string::npos;
      },
      30s));
  ASSERT_EQ(school.stop(), 0);
  database->down();
  school.start();
  EXPECT_TRUE(school.ready()) << school.log();
  for (const auto* path : {"/", "/courses", "/articles"})
    EXPECT_EQ(school.get(path).status, 200) << path;
  is_refused_politely(school);
  EXPECT_NE(school.log().find("the database is away: "), std::string::npos) << school.log();
  const auto health = school.ctl({"health"}).out;
  EXPECT_NE(health.find("the database does not answer"), std::string::npos) << health;
  database->up();
  is_well_soon(school);
  EXPECT_EQ(school.ctl({"health"}).out.find("the database does not answer"), std::string::npos);
}

TEST_F(outage, an_empty_database_that_comes_late_is_filled) {
  database->down();
  server school({.content = sample_school(), .database = database->url});
  answer got;
  EXPECT_TRUE(eventually([&] { return (got = school.get("/")).status == 503; })) << got.status << '\n' << school.log();
  EXPECT_FALSE(got.field("Retry-After").empty());
  EXPECT_EQ(school.get("/livez").status, 200);
  EXPECT_EQ(school.get("/readyz").status, 503); // nothing kept, nobody to ask
  database->up();
  EXPECT_TRUE(eventually([&] { return school.get("/courses/let-it-crash").status == 200; }, 10s)) << school.log();
}

TEST_F(outage, a_wrong_address_is_said_without_its_password) {
  const auto at = database->url.find("@");
  const auto wrong = "postgresql://nobody:Hush123" + database->url.substr(at);
  server school({.content = sample_school(), .database = wrong});
  EXPECT_TRUE(eventually([&] { return school.log().find("the database is away: ") != std::string::npos; }))
      << school.log();
  EXPECT_EQ(school.log().find("Hush123"), std::string::npos) << school.log();
  EXPECT_EQ(school.get("/").status, 503);
}

/// A small file system that can be filled; only root may mount one.
class small_disk {
public:
  small_disk() {
    fs::create_directories(path());
    mounted_ = mount("none", path().c_str(), "tmpfs", 0, "size=16m") == 0;
  }
  ~small_disk() {
    if (mounted_)
      umount2(path().c_str(), MNT_DETACH);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  bool mounted() const { return mounted_; }
  fs::path path() const { return place_ / "disk"; }
  void fill() const {
    if (const std::unique_ptr<FILE, int (*)(FILE*)> file(fopen((path() / "ballast").c_str(), "w"), fclose); file) {
      setbuf(file.get(), nullptr);
      const std::string block(64 * 1024, 'x');
      while (fwrite(block.data(), 1, block.size(), file.get()) == block.size()) {
      }
      while (fwrite("x", 1, 1, file.get()) == 1) {
      }
    }
  }
  void make_room() const { fs::remove(path() / "ballast"); }

private:
  scratch place_;
  bool mounted_ = false;
};

TEST(a_full_disk, leaves_the_pages_and_is_told_and_heals_when_there_is_room) {
  const small_disk disk;
  if (!disk.mounted())
    GTEST_SKIP() << "a file system cannot be mounted here";
  const scratch place;
  const auto school_folder = place / "school";
  ASSERT_EQ(run_lyceum({"new", school_folder.string()}).status, 0);
  server school({.content = school_folder, .data = disk.path() / "data"});
  ASSERT_TRUE(school.ready()) << school.log();
  ASSERT_TRUE(eventually([&] { return school.get("/").status == 200; }, 10s)) << school.log();
  const auto process = school.process();
  visitors people({.port = school.port(), .paths = {"/", "/courses"}, .rate = 200});
  disk.fill();
  write_file(school_folder / "courses" / "late" / "course.md", "---\ntitle: Late\n---\nText\n");
  write_file(school_folder / "courses" / "late" / "01-one.md",
             "---\ntitle: One\n---\n" + std::string(200'000, 'x') + "\n");
  for (int i = 0; i < 200; ++i)
    EXPECT_EQ(school.get("/").status, 200);
  EXPECT_TRUE(eventually([&] {
    return school.ctl({"inspect", "content/importer"}).out.find("until the database can be written") !=
               std::string::npos ||
           school.get("/courses/late/one").status == 200;
  }));
  disk.make_room();
  EXPECT_TRUE(eventually([&] { return school.get("/courses/late/one").status == 200; }, 15s)) << school.log();
  const auto seen = people.leave();
  EXPECT_EQ(seen.failed, 0u) << seen.text();
  EXPECT_EQ(school.process(), process) << "the process died of it";
}

TEST(storage, that_is_stopped_is_told_at_every_door) {
  server school({.content = sample_school(), .environment = {"LYCEUM_WATCH=false"}});
  ASSERT_TRUE(school.ready()) << school.log();
  ASSERT_TRUE(eventually([&] { return school.get("/").status == 200; }, 10s));
  EXPECT_EQ(school.metric("lyceum_database_up"), 1.0);
  EXPECT_TRUE(school.ctl({"health"}).out.starts_with("ok ")) << school.ctl({"health"}).out;
  ASSERT_EQ(school.ctl({"stop", "storage"}).status, 0);
  EXPECT_EQ(school.metric("lyceum_database_up"), 0.0);
  auto health = school.ctl({"health"}).out;
  EXPECT_TRUE(health.starts_with("degraded ")) << health;
  EXPECT_NE(health.find("storage: stopped"), std::string::npos) << health;
  EXPECT_EQ(health.find("storage/"), std::string::npos) << "once is enough: " << health;
  EXPECT_EQ(school.get("/readyz").status, 200) << "pages are kept";
  // Nobody makes pages any more; those that there are go one by one.
  EXPECT_TRUE(eventually(
      [&] {
        const auto kept = school.ctl({"--json", "cache", "list", "500"}).out;
        for (auto at = kept.find("\"key\":\""); at != std::string::npos; at = kept.find("\"key\":\"", at + 1))
          school.ctl({"cache", "evict", kept.substr(at + 7, kept.find('"', at + 7) - at - 7)});
        return school.metric("lyceum_cache_pages") == 0.0;
      },
      30s));
  const auto ready = school.get("/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_NE(ready.body.find("storage is away"), std::string::npos) << ready.body;
  EXPECT_EQ(school.get("/").status, 503);
  ASSERT_EQ(school.ctl({"start", "storage"}).status, 0);
  EXPECT_TRUE(eventually([&] { return school.get("/readyz").status == 200; }, 10s)) << school.get("/readyz").body;
  EXPECT_TRUE(school.ctl({"health"}).out.starts_with("ok ")) << school.ctl({"health"}).out;
  ASSERT_EQ(school.ctl({"suspend", "cache/warmer"}).status, 0);
  EXPECT_NE(school.ctl({"health"}).out.find("cache/warmer: suspended"), std::string::npos);
}

TEST(an_sqlite_file, that_is_removed_while_it_is_open_goes_on_being_read) {
  server school({.content = sample_school()});
  ASSERT_TRUE(school.ready()) << school.log();
  ASSERT_TRUE(eventually([&] { return school.get("/courses/let-it-crash").status == 200; }, 10s));
  fs::remove(school.data() / "lyceum.db");
  for (const auto* path : {"/", "/courses/let-it-crash"})
    EXPECT_EQ(school.get(path).status, 200) << path;
  EXPECT_EQ(school.get(cold).status, 404);
  EXPECT_EQ(school.stop(), 0);
  school.start(); // with an empty one, and the folder
  EXPECT_TRUE(eventually([&] { return school.get(cold).status == 404; }, 10s)) << school.log();
}

TEST(an_sqlite_file, that_is_no_database_is_said_and_the_rest_goes_on) {
  const scratch place;
  write_file(place / "data" / "lyceum.db", std::string(20'000, 'x'));
  server school({.content = sample_school(), .data = place / "data"});
  EXPECT_TRUE(eventually([&] { return school.log().find("is not an SQLite database") != std::string::npos; }))
      << school.log();
  const auto got = school.get("/");
  EXPECT_EQ(got.status, 503);
  EXPECT_FALSE(got.field("Retry-After").empty());
  EXPECT_EQ(school.get("/livez").status, 200);
}

} // namespace
} // namespace lyceum::testing
