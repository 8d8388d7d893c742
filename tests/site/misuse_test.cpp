// SPDX-License-Identifier: Apache-2.0
// What people get wrong, and what they are told.
#include "tests/site/server.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lyceum::testing {
namespace {

finished serve(const scratch& place, std::vector<std::string> more) {
  std::vector<std::string> arguments{"serve", "--data", (place / "data").string(), "--listen", "127.0.0.1:0"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_lyceum(arguments, 10s);
}

TEST(misuse, an_unknown_flag_is_wrong_usage_and_the_nearest_one_is_named) {
  const auto done = run_lyceum({"serve", "--contnet", "x"});
  EXPECT_EQ(done.status, 2);
  EXPECT_NE(done.err.find("--content"), std::string::npos) << done.err;
}

TEST(misuse, an_unknown_command_is_wrong_usage) {
  const auto done = run_lyceum({"srve"});
  EXPECT_EQ(done.status, 2);
  EXPECT_NE(done.err.find("serve"), std::string::npos) << done.err;
}

TEST(misuse, a_separator_behind_the_flags_is_no_argument) {
  server school({.content = sample_school(), .arguments = {"--"}});
  EXPECT_TRUE(school.ready()) << school.log();
  EXPECT_EQ(school.stop(), 0);
}

TEST(misuse, ctl_without_a_server_says_so_with_status_3) {
  const scratch place;
  const auto done = run_lyceum({"ctl", "--control", (place / "none.sock").string(), "tree"});
  EXPECT_EQ(done.status, 3);
  EXPECT_FALSE(done.err.empty());
}

TEST(misuse, a_folder_without_site_toml_is_no_school) {
  const scratch place;
  fs::create_directories(place / "school");
  const auto done = serve(place, {"--content", (place / "school").string()});
  EXPECT_EQ(done.status, 1);
  EXPECT_NE(done.err.find("site.toml"), std::string::npos) << done.err;
}

TEST(misuse, a_port_in_use_is_named) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  socklen_t size = sizeof at;
  getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
  const auto port = std::to_string(ntohs(at.sin_port));
  const scratch place;
  const auto done = run_lyceum({"serve", "--data", (place / "data").string(), "--content", sample_school().string(),
                                "--listen", "127.0.0.1:" + port},
                               10s);
  close(fd);
  EXPECT_EQ(done.status, 1);
  EXPECT_NE(done.err.find(port), std::string::npos) << done.err;
}

TEST(misuse, a_control_path_that_is_too_long_is_refused_with_advice) {
  const scratch place;
  const auto done =
      serve(place, {"--content", sample_school().string(), "--control", (place / std::string(120, 'x')).string()});
  EXPECT_EQ(done.status, 2);
  EXPECT_NE(done.err.find("--control"), std::string::npos) << done.err;
}

TEST(misuse, a_data_folder_that_cannot_be_written_is_named) {
  // A file in the way of the folder: refused to root as well.
  const scratch place;
  write_file(place / "data", "not a folder");
  const auto done = serve(place, {"--content", sample_school().string()});
  EXPECT_EQ(done.status, 1);
  EXPECT_NE(done.err.find((place / "data").string()), std::string::npos) << done.err;
}

/// Starts another one and sees that it is told no, once, and that the first one's files and visitors are left alone.
void is_refused_beside(const server& first, const std::vector<std::string>& arguments) {
  const auto listen_json = read_file(first.data() / "run" / "listen.json");
  const auto server_pid = read_file(first.data() / "run" / "server.pid");
  std::string heart_json; // "serving" comes a moment after the first answer; without a heart there is no such file
  EXPECT_TRUE(eventually([&] {
    heart_json = read_file(first.data() / "run" / "heart.json");
    return heart_json.empty() || heart_json.find("serving") != std::string::npos;
  }));
  EXPECT_FALSE(server_pid.empty());
  const auto done = run_lyceum(arguments, 15s);
  EXPECT_EQ(done.status, 1);
  EXPECT_TRUE(done.err.starts_with("lyceum: another server ")) << done.err;
  EXPECT_EQ(std::ranges::count(done.err, '\n'), 1) << done.err;
  EXPECT_EQ(read_file(first.data() / "run" / "listen.json"), listen_json);
  EXPECT_EQ(read_file(first.data() / "run" / "server.pid"), server_pid);
  EXPECT_EQ(read_file(first.data() / "run" / "heart.json"), heart_json);
  EXPECT_EQ(first.get("/").status, 200);
}

TEST(misuse, a_second_server_on_one_data_folder_is_refused_with_and_without_a_heart) {
  for (const bool first_has_heart : {true, false}) {
    server::options how{.content = sample_school()};
    if (!first_has_heart)
      how.arguments = {"--no-heart"};
    server first(how);
    ASSERT_TRUE(first.ready()) << first.log();
    for (const bool second_has_heart : {true, false}) {
      SCOPED_TRACE(::testing::Message() << first_has_heart << second_has_heart);
      std::vector<std::string> second{"serve",         "--data",   first.data().string(), "--content",
                                      sample_school(), "--listen", "127.0.0.1:0"};
      if (!second_has_heart)
        second.emplace_back("--no-heart");
      is_refused_beside(first, second);
    }
  }
}

TEST(misuse, a_server_without_a_heart_takes_its_run_files_with_it) {
  server school({.content = sample_school(), .arguments = {"--no-heart"}});
  ASSERT_TRUE(school.ready()) << school.log();
  EXPECT_TRUE(fs::exists(school.data() / "run" / "server.pid"));
  EXPECT_EQ(school.stop(), 0);
  EXPECT_FALSE(fs::exists(school.data() / "run" / "server.pid"));
  EXPECT_FALSE(fs::exists(school.data() / "run" / "listen.json"));
}

TEST(misuse, a_control_socket_at_which_another_server_answers_is_refused) {
  server first({.content = sample_school()});
  ASSERT_TRUE(first.ready()) << first.log();
  const scratch place;
  is_refused_beside(first, {"serve", "--data", (place / "data").string(), "--content", sample_school(), "--listen",
                            "127.0.0.1:0", "--control", (first.data() / "control.sock").string()});
}

TEST(misuse, a_control_path_where_no_socket_can_be_is_refused) {
  const scratch place;
  write_file(place / "notes.txt", "not a socket");
  for (const auto& path : {place / "notes.txt", place / "none" / "control.sock"}) {
    const auto done = serve(place, {"--content", sample_school().string(), "--control", path.string()});
    EXPECT_EQ(done.status, 1);
    EXPECT_NE(done.err.find("--control"), std::string::npos) << done.err;
  }
  EXPECT_EQ(read_file(place / "notes.txt"), "not a socket");
}

TEST(misuse, a_folder_that_is_not_there_is_one_line_on_stderr_for_every_command) {
  const scratch place;
  const auto none = (place / "none").string();
  const auto data = (place / "data").string();
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"check", none}, {"import", none, "--data", data}, {"serve", "--content", none, "--data", data}}) {
    const auto done = run_lyceum(arguments);
    EXPECT_EQ(done.status, 1) << arguments.front();
    EXPECT_NE(done.err.find("there is no folder " + none), std::string::npos) << arguments.front() << ": " << done.err;
    EXPECT_EQ(std::ranges::count(done.err, '\n'), 1) << done.err;
    EXPECT_EQ(done.out, "") << arguments.front();
  }
  EXPECT_FALSE(fs::exists(place / "data")) << "nothing is made for a command that cannot work";
}

TEST(misuse, a_file_in_a_folder_s_place_is_said_to_be_one) {
  const scratch place;
  write_file(place / "school", "text");
  const auto done = run_lyceum({"check", (place / "school").string()});
  EXPECT_EQ(done.status, 1);
  EXPECT_NE(done.err.find("is no folder"), std::string::npos) << done.err;
}

TEST(misuse, a_folder_that_may_not_be_read_is_said_with_advice) {
  if (geteuid() == 0)
    GTEST_SKIP() << "root may read everything";
  const scratch place;
  fs::create_directories(place / "shut" / "school");
  fs::permissions(place / "shut", fs::perms::none);
  const auto done = serve(place, {"--content", (place / "shut" / "school").string()});
  fs::permissions(place / "shut", fs::perms::owner_all);
  EXPECT_EQ(done.status, 1);
  EXPECT_NE(done.err.find("Let this user read it"), std::string::npos) << done.err;
}

TEST(misuse, ctl_and_serve_call_a_control_path_that_is_too_long_wrong_usage) {
  const auto path = "/tmp/" + std::string(120, 'x');
  EXPECT_EQ(run_lyceum({"ctl", "--control", path, "tree"}).status, 2);
  EXPECT_EQ(run_lyceum({"serve", "--control", path}).status, 2);
}

TEST(misuse, a_lesson_over_its_limit_is_an_import_fault_that_names_it) {
  const scratch place;
  const auto school = place / "school";
  ASSERT_EQ(run_lyceum({"new", school.string()}).status, 0);
  write_file(school / "courses" / "big" / "course.md", "---\ntitle: Big\n---\n");
  write_file(school / "courses" / "big" / "01-huge.md", "---\ntitle: Huge\n---\n" + std::string(300 * 1024, 'x'));
  const auto done = run_lyceum({"import", school.string(), "--data", (place / "data").string()});
  EXPECT_EQ(done.status, 1);
  EXPECT_NE(done.out.find("01-huge.md"), std::string::npos) << done.out << done.err;
}

TEST(misuse, two_lessons_with_one_slug_are_a_fault_that_names_both) {
  const scratch place;
  const auto school = place / "school";
  ASSERT_EQ(run_lyceum({"new", school.string()}).status, 0);
  write_file(school / "courses" / "twins" / "course.md", "---\ntitle: Twins\n---\n");
  write_file(school / "courses" / "twins" / "01-same.md", "---\ntitle: One\n---\nText\n");
  write_file(school / "courses" / "twins" / "02-same.md", "---\ntitle: Two\n---\nText\n");
  const auto done = run_lyceum({"check", school.string()});
  EXPECT_EQ(done.status, 1);
  EXPECT_NE(done.out.find("02-same.md"), std::string::npos) << done.out;
  EXPECT_NE(done.out.find("01-same"), std::string::npos) << done.out;
}

TEST(misuse, a_missing_video_is_a_fault_that_names_it) {
  const scratch place;
  const auto school = place / "school";
  ASSERT_EQ(run_lyceum({"new", school.string()}).status, 0);
  write_file(school / "courses" / "film" / "course.md", "---\ntitle: Film\n---\n");
  write_file(school / "courses" / "film" / "01-reel.md", "---\ntitle: Reel\nvideo: lost.mp4\n---\nText\n");
  const auto done = run_lyceum({"check", school.string()});
  EXPECT_EQ(done.status, 1);
  EXPECT_NE(done.out.find("lost.mp4"), std::string::npos) << done.out;
}

TEST(misuse, a_dry_run_and_a_look_at_the_schema_make_nothing) {
  const scratch place;
  const auto data = place / "data";
  const auto dry = run_lyceum({"import", "--dry-run", sample_school().string(), "--data", data.string()});
  EXPECT_EQ(dry.status, 0) << dry.err;
  EXPECT_NE(dry.out.find("added"), std::string::npos) << dry.out;
  const auto status = run_lyceum({"migrate", "--status", "--data", data.string()});
  EXPECT_EQ(status.status, 0) << status.err;
  EXPECT_NE(status.out.find("to come"), std::string::npos) << status.out;
  EXPECT_FALSE(fs::exists(data));
}

TEST(misuse, render_writes_what_the_site_would_serve) {
  const scratch place;
  const auto school = place / "school";
  ASSERT_EQ(run_lyceum({"new", school.string()}).status, 0);
  write_file(school / "courses" / "first-course" / "a.png", "a picture");
  write_file(school / "courses" / "first-course" / "03-x.md", "---\ntitle: X\n---\n![a](a.png) [w](01-welcome.md)\n");
  const auto done = run_lyceum({"render", (school / "courses" / "first-course" / "03-x.md").string()});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_NE(done.out.find("src=\"/media/"), std::string::npos) << done.out;
  EXPECT_NE(done.out.find("/courses/first-course/welcome"), std::string::npos) << done.out;
  EXPECT_EQ(done.out.find("title:"), std::string::npos) << done.out;
  const auto folder = run_lyceum({"render", school.string()});
  EXPECT_EQ(folder.status, 1);
  EXPECT_NE(folder.err.find("is no file"), std::string::npos) << folder.err;
}

TEST(misuse, a_new_school_passes_its_own_check_and_is_not_made_twice) {
  const scratch place;
  const auto school = (place / "school").string();
  EXPECT_EQ(run_lyceum({"new", school}).status, 0);
  const auto checked = run_lyceum({"check", school});
  EXPECT_EQ(checked.status, 0) << checked.out;
  EXPECT_EQ(run_lyceum({"new", school}).status, 1);
}

} // namespace
} // namespace lyceum::testing
