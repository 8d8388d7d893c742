// SPDX-License-Identifier: Apache-2.0
// `lyceum ctl upgrade` with the real program; and what becomes of servers whose heart is killed. tests/bench/upgrade.py measures
// the full length.
#include "tests/site/visitors.hpp"

#include "storage/db.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace lyceum::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

fs::path program_of(pid_t pid) {
  std::error_code gone;
  return fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", gone);
}

bool gone(pid_t pid) {
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  const auto at = stat.rfind(") ");
  return at == std::string::npos || stat[at + 2] == 'Z';
}

/// The processes that hold the lock of the active server, as the kernel tells.
std::set<pid_t> active_on(const fs::path& data) {
  struct stat facts {};
  std::set<pid_t> all;
  if (stat((data / "run" / "active").c_str(), &facts) != 0)
    return all;
  std::istringstream lines(read_file("/proc/locks"));
  const auto inode = ":" + std::to_string(facts.st_ino);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, kind, advisory, access, where;
    pid_t pid = 0;
    words >> number >> kind >> advisory >> access >> pid >> where;
    if (kind == "FLOCK" && where.ends_with(inode))
      all.insert(pid);
  }
  return all;
}

struct upgrade : ::testing::Test {
  const scratch place;
  std::optional<server> school;
  fs::path first, second; // the program, and a copy: another build, as far as kept pages can tell

  void begin(std::vector<std::string> environment = {}, bool faults = false, std::vector<std::string> arguments = {},
             std::string database = {}) {
    fs::copy(sample_school(), place / "school", fs::copy_options::recursive);
    school.emplace(server::options{.content = place / "school",
                                   .database = std::move(database),
                                   .arguments = std::move(arguments),
                                   .environment = std::move(environment),
                                   .faults = faults});
    ASSERT_TRUE(school->ready()) << school->log();
    for (const auto* path : {"/", "/courses", "/articles"})
      ASSERT_TRUE(eventually([&] { return school->get(path).status == 200; }, 20s)) << path << '\n' << school->log();
    // Everything is imported, rendered, coloured, made, compressed and on disk: each begins where the one before has ended.
    ASSERT_TRUE(eventually(
        [&] {
          return school->ctl({"inspect", "content/importer"}).out.find("rests") != std::string::npos && all_is_warm() &&
                 school->ctl({"inspect", "cache/page_cache"}).out.find(" 0 to encode") != std::string::npos;
        },
        60s));
    first = program_of(school->process());
    second = place / "lyceum-next";
    fs::copy_file(first, second);
  }

  /// The warmer has had its turn, and nothing is left to it.
  bool all_is_warm() const {
    const auto told = school->ctl({"--json", "inspect", "cache/warmer"}).out;
    return told.find("\"running\":false") != std::string::npos && told.find("\"warmed\":") != std::string::npos &&
           told.find("\"warmed\":0") == std::string::npos;
  }

  /// A program whose `version` is a lyceum's, and whose `serve` does this.
  fs::path script(const std::string& serve) {
    const auto file = place / "script";
    write_file(file,
               "#!/bin/sh\nif [ \"$1\" = version ]; then exec " + first.string() + " version; fi\n" + serve + "\n");
    fs::permissions(file, fs::perms::owner_all);
    return file;
  }

  /// Of `cache stats`: what this process has counted.
  double figure(const std::string& name) const {
    const auto text = school->ctl({"--json", "cache", "stats"}).out;
    const auto at = text.find("\"" + name + "\":");
    return at == std::string::npos ? -1 : std::atof(text.c_str() + at + name.size() + 3);
  }

  /// Whom a question to the control socket reaches: its answer; "none": nobody listens there, "" : it ended without an answer.
  std::string ask(const std::string& line) const {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    (school->data() / "control.sock").string().copy(to.sun_path, sizeof to.sun_path - 1);
    std::string got;
    if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      got = "none";
    } else if (send(fd, line.data(), line.size(), MSG_NOSIGNAL) > 0) {
      char bytes[65536];
      for (ssize_t n = 0; got.find('\n') == std::string::npos && (n = recv(fd, bytes, sizeof bytes, 0)) > 0;)
        got.append(bytes, static_cast<std::size_t>(n));
    }
    close(fd);
    return got;
  }
};

TEST_F(upgrade, five_under_load_lose_no_request_and_keep_the_cache_warm) {
  begin();
  std::vector<std::string> paths{"/", "/courses"};
  visitors keep_alive({.port = school->port(), .paths = paths, .count = 4, .rate = 200});
  visitors strangers({.port = school->port(), .paths = paths, .count = 4, .rate = 200, .new_connections = true});
  for (int i = 0; i < 5; ++i) {
    const auto old = school->process();
    const auto next = i % 2 == 0 ? second : first;
    const auto done = school->ctl({"upgrade", next.string()});
    ASSERT_EQ(done.status, 0) << done.err << school->log();
    EXPECT_THAT(done.out, StartsWith("upgraded, pid " + std::to_string(school->process()) + ": lyceum "));
    EXPECT_NE(school->process(), old);
    EXPECT_EQ(program_of(school->process()), next);
    const auto tree = school->ctl({"tree"});
    EXPECT_EQ(tree.status, 0) << tree.err;
    EXPECT_THAT(tree.out, HasSubstr("importer"));
    EXPECT_TRUE(eventually([&] { return gone(old); }, 20s)) << "it drains for ever";
  }
  const auto kept = keep_alive.leave();
  const auto fresh = strangers.leave();
  EXPECT_EQ(kept.failed, 0u) << kept.text();
  EXPECT_EQ(fresh.failed, 0u) << fresh.text();
  EXPECT_GT(kept.good, 100u) << kept.text();
  EXPECT_GT(fresh.good, 100u) << fresh.text();
  // Another build's pages are served while each is made anew, for which one visitor of each waits.
  EXPECT_LE(figure("misses"), static_cast<double>(paths.size()));
  EXPECT_GT(figure("hits"), 2.0);
}

TEST_F(upgrade, on_postgresql_it_is_the_same) {
  auto database = fresh_postgres();
  if (database.empty())
    GTEST_SKIP() << "no PostgreSQL: tests/peers/postgres.sh run ctest … starts one";
  begin({}, false, {}, std::move(database));
  visitors strangers(
      {.port = school->port(), .paths = {"/", "/courses"}, .count = 4, .rate = 200, .new_connections = true});
  for (const auto& next : {second, first}) {
    const auto old = school->process();
    const auto done = school->ctl({"upgrade", next.string()});
    ASSERT_EQ(done.status, 0) << done.err << school->log();
    EXPECT_TRUE(eventually([&] { return gone(old); }, 20s)) << "it drains for ever";
    EXPECT_EQ(active_on(school->data()), std::set<pid_t>{school->process()});
  }
  const auto seen = strangers.leave();
  EXPECT_EQ(seen.failed, 0u) << seen.text();
  // The new one imports: its listener hears of what it writes itself.
  write_file(place / "school/articles/after.md", "---\ntitle: After\ndate: 2026-01-02\n---\n\nWritten later.\n");
  EXPECT_TRUE(eventually([&] { return school->get("/articles/after").status == 200; }, 20s)) << school->log();
}

TEST_F(upgrade, the_same_build_finds_every_page_warm) {
  begin();
  const auto old = school->process();
  ASSERT_EQ(school->ctl({"upgrade", first.string()}).status, 0);
  ASSERT_TRUE(eventually([&] { return gone(old); }, 20s)); // until then either may accept
  for (const auto* path : {"/", "/courses", "/articles"})
    EXPECT_EQ(school->get(path).status, 200);
  EXPECT_EQ(figure("misses"), 0.0);
  EXPECT_EQ(figure("hits"), 3.0);
  // It goes on with the file that the old one kept.
  EXPECT_TRUE(eventually([&] {
    const auto told = school->ctl({"inspect", "cache/page_cache"}).out;
    return told.find("bytes on disk") != std::string::npos && told.find("not writing") == std::string::npos;
  }));
}

TEST_F(upgrade, ctl_always_reaches_a_server) {
  begin();
  std::atomic<bool> enough = false;
  std::map<std::string, int> answers;
  std::thread operators([&] {
    while (!enough) {
      const auto got = ask("{\"id\":1,\"cmd\":\"count\"}\n");
      ++answers[got.find("\"ok\"") != std::string::npos ? "ok" : got];
    }
  });
  for (int i = 0; i < 3; ++i) {
    const auto done = school->ctl({"upgrade", (i % 2 == 0 ? second : first).string()});
    EXPECT_EQ(done.status, 0) << done.err;
  }
  enough = true;
  operators.join();
  EXPECT_EQ(answers["none"], 0) << "a moment in which nobody listened";
  EXPECT_GT(answers["ok"], 10);
  // Nothing of the old ones is left beside the socket, and it is still the new one's.
  EXPECT_TRUE(eventually([&] { return school->get("/readyz").status == 200; }));
  EXPECT_EQ(school->ctl({"count"}).status, 0);
  for (const auto& one : fs::directory_iterator(school->data()))
    EXPECT_FALSE(one.path().filename().string().starts_with(".control")) << one.path();
}

TEST_F(upgrade, a_restart_after_a_crash_starts_the_new_program) {
  begin();
  ASSERT_EQ(school->ctl({"upgrade", second.string()}).status, 0);
  ASSERT_TRUE(eventually([&] { return school->uptime() > 1300ms; })); // else it is a boot loop
  const auto old = school->process();
  ASSERT_EQ(kill(old, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return school->process() != old && school->get("/").status == 200; }, 15s));
  EXPECT_EQ(program_of(school->process()), second);
  EXPECT_TRUE(eventually([&] { // an operator sees it, too
    return school->ctl({"--json", "crashes"}).out.find("was killed by SIGKILL") != std::string::npos;
  }));
  EXPECT_EQ(active_on(school->data()), std::set{school->process()});
}

TEST_F(upgrade, an_edit_saved_afterwards_goes_live) {
  begin();
  ASSERT_EQ(school->ctl({"upgrade", second.string()}).status, 0);
  const auto course = fs::directory_iterator(place / "school" / "courses")->path();
  const auto page = "/courses/" + course.filename().string();
  write_file(course / "course.md", "---\ntitle: Saved after the upgrade\n---\nText.\n");
  EXPECT_TRUE(
      eventually([&] { return school->get(page).body.find("Saved after the upgrade") != std::string::npos; }, 10s))
      << school->log();
}

TEST_F(upgrade, what_is_no_lyceum_or_does_not_come_up_changes_nothing) {
  begin({"LYCEUM_UPGRADE_TIMEOUT=8s"}); // for the good one in the end, too
  const auto old = school->process();
  const auto refused = [&](const fs::path& file, const std::string& why) {
    const auto done = school->ctl({"upgrade", file.string()});
    EXPECT_EQ(done.status, 1) << file;
    EXPECT_THAT(done.err, HasSubstr(why));
    EXPECT_EQ(school->process(), old) << file;
    EXPECT_FALSE(gone(old));
    EXPECT_EQ(school->get("/").status, 200) << file;
    EXPECT_EQ(school->ctl({"count"}).status, 0) << file;
    EXPECT_EQ(active_on(school->data()), std::set{old}) << file;
  };
  refused(place / "nothing-here", "No such file");
  write_file(place / "text", "lyceum\n");
  refused(place / "text", "chmod +x");
  refused(place / "school", "is no file to execute");
  refused("/bin/true", "is no lyceum");
  refused("/bin/false", "is no lyceum");
  refused(script("exit 7"), "exited with status 7");
  refused(script("echo; kill -SEGV $$"), "was killed by SIGSEGV");
  refused(script("exec sleep 600"), "is not ready after 8 s");
  refused(script("exec " + first.string() + " serve --no-heart --data " + school->data().string() + " --content " +
                 (place / "no-school").string()),
          "there is no folder"); // the new program's own words reach whoever asked
  write_file(place / "slow", "#!/bin/sh\nexec sleep 600\n");
  fs::permissions(place / "slow", fs::perms::owner_all);
  refused(place / "slow", "does not end within 5 s");
  EXPECT_EQ(school->ctl({"upgrade"}).status, 2);
  const auto done = school->ctl({"upgrade", second.string()}); // and after all that one that is good
  EXPECT_EQ(done.status, 0) << done.err;
}

TEST_F(upgrade, until_the_new_one_is_ready_the_old_one_is_active_and_alone) {
  begin();
  const auto old = school->process();
  const auto go = place / "go";
  const auto held =
      script("while [ ! -e " + go.string() + " ]; do sleep 0.02; done\nexec " + second.string() + " \"$@\"");
  finished done;
  std::thread operators([&] { done = school->ctl({"upgrade", held.string()}); });
  EXPECT_TRUE(eventually([&] { return school->log().find("starts beside the old one") != std::string::npos; }, 10s));
  const auto again = school->ctl({"upgrade", second.string()});
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.err, HasSubstr("another upgrade is under way"));
  EXPECT_EQ(school->process(), old);
  EXPECT_EQ(active_on(school->data()), std::set{old});
  write_file(place / "school" / "articles" / "2026-01-01-held.md", "---\ntitle: Saved while one waits\n---\nText.\n");
  EXPECT_TRUE(eventually([&] { return school->get("/articles/held").status == 200; }, 10s));
  write_file(go, "go");
  operators.join();
  EXPECT_EQ(done.status, 0) << done.err;
  const auto now = school->process();
  EXPECT_NE(now, old);
  EXPECT_TRUE(eventually([&] { return active_on(school->data()) == std::set{now}; }, 15s));
  EXPECT_EQ(school->get("/articles/held").status, 200);
}

TEST_F(upgrade, a_program_that_does_not_know_the_schema_is_refused) {
  begin();
  const auto old = school->process();
  {
    // As a newer release leaves it behind.
    const auto db = storage::open("sqlite:" + (school->data() / "lyceum.db").string(), storage::mode::writes);
    db->script("test",
               "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (9999, 'later', 'x', 0)");
  }
  const auto done = school->ctl({"upgrade", second.string()});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("migration 9999 (later), which this program does not know"));
  EXPECT_EQ(school->process(), old);
  EXPECT_EQ(school->get("/").status, 200);
  EXPECT_EQ(school->get("/courses/none").status, 404) << "the old server works on with its database";
}

TEST_F(upgrade, a_request_that_takes_long_is_answered_by_the_old_server) {
  begin({"LYCEUM_REQUEST_TIMEOUT=15s", "LYCEUM_DRAIN_TIMEOUT=15s"}, true);
  // Whoever is in one handler for 8 s is replaced, and the client gives up after 10 s.
  std::jthread slow([port = school->port()] { EXPECT_EQ(client(port).get("/__fault/sleep?ms=7000").status, 200); });
  ASSERT_TRUE(eventually([&] { return school->database_is_busy(); }));
  const auto old = school->process();
  const auto done = school->ctl({"upgrade", second.string()});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_FALSE(gone(old)) << "it still answers";
  // It does not import any more, while it drains: the new one does.
  EXPECT_TRUE(eventually([&] { return active_on(school->data()) == std::set{school->process()}; }));
  EXPECT_FALSE(gone(old)) << "it let go of the lock only with its end";
  slow.join();
  EXPECT_TRUE(eventually([&] { return gone(old); }, 20s));
}

TEST_F(upgrade, without_a_heart_it_is_refused_with_what_to_do_instead) {
  begin({}, false, {"--no-heart"});
  const auto done = school->ctl({"upgrade", second.string()});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("systemctl restart lyceum"));
  EXPECT_EQ(school->get("/").status, 200);
}

int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  bind(fd, reinterpret_cast<sockaddr*>(&name), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
  close(fd);
  return ntohs(name.sin_port);
}

std::set<pid_t> processes_on(const fs::path& data) {
  std::set<pid_t> all;
  for (const auto& one : fs::directory_iterator("/proc")) {
    const auto name = one.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos)
      continue;
    auto line = read_file(one.path() / "cmdline");
    std::ranges::replace(line, '\0', ' ');
    const auto pid = static_cast<pid_t>(std::atoi(name.c_str()));
    if (line.find(" serve ") != std::string::npos && line.find("--data " + data.string() + " ") != std::string::npos &&
        !gone(pid))
      all.insert(pid);
  }
  return all;
}

TEST_F(upgrade, a_server_whose_heart_is_killed_ends_and_another_may_start_at_once) {
  begin({"LYCEUM_REQUEST_TIMEOUT=9s"}, true, {"--listen", "127.0.0.1:" + std::to_string(free_port())});
  const auto orphan = school->process();
  std::jthread slow([port = school->port()] { EXPECT_EQ(client(port).get("/__fault/sleep?ms=2500").status, 200); });
  ASSERT_TRUE(eventually([&] { return school->database_is_busy(); }));
  EXPECT_EQ(processes_on(school->data()), (std::set{school->heart(), orphan}));
  ASSERT_EQ(kill(school->heart(), SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return !school->running(); }));
  school->start();
  EXPECT_TRUE(eventually(
      [&] {
        const auto active = active_on(school->data());
        EXPECT_LE(active.size(), 1u);
        return gone(orphan) && school->port() != 0 && school->process() != orphan &&
               school->get("/readyz").status == 200;
      },
      20s))
      << school->log();
  slow.join();
  EXPECT_EQ(processes_on(school->data()), (std::set{school->heart(), school->process()}));
  EXPECT_EQ(active_on(school->data()), std::set{school->process()});
  EXPECT_EQ(school->ctl({"count"}).status, 0);
}

} // namespace
} // namespace lyceum::testing
