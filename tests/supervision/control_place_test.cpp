// SPDX-License-Identifier: Apache-2.0
// The control socket's name, handed from server to server.
#include "supervision/control_place.hpp"

#include "supervision/control.hpp"
#include "tree_fixture.hpp"

#include <gmock/gmock.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using lyceum::supervision::control_place;
using testing::HasSubstr;
using testing::IsEmpty;

class control_place_test : public tree_test {
protected:
  control_place_test() {
    std::string name = testing::TempDir() + "lyceum-place.XXXXXX";
    folder = mkdtemp(name.data());
    path = folder / "c.sock";
  }
  ~control_place_test() override {
    for (const int fd : open)
      ::close(fd);
    fs::remove_all(folder);
  }

  /// A listening socket under the name; whom it belongs to is told by the one byte that it sends to each visitor.
  int listen_at(control_place& place) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    open.push_back(fd);
    const auto address = place.draft();
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << std::strerror(errno);
    EXPECT_EQ(::listen(fd, 4), 0);
    EXPECT_TRUE(place.publish()) << std::strerror(errno);
    return fd;
  }
  /// True if a visitor of the name reaches this socket.
  bool leads_to(int listener) {
    const int visitor = ::socket(AF_UNIX, SOCK_STREAM, 0);
    open.push_back(visitor);
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, path.c_str(), path.string().size() + 1);
    if (::connect(visitor, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      return false;
    const int accepted = ::accept(listener, nullptr, nullptr);
    if (accepted >= 0)
      ::close(accepted);
    return accepted >= 0;
  }

  fs::path folder, path;
  std::vector<int> open;
};

TEST_F(control_place_test, the_name_passes_from_one_to_the_next_and_the_former_does_not_take_it_away) {
  control_place old(path), fresh(path);
  const int first = listen_at(old);
  EXPECT_TRUE(old.is_ours());
  EXPECT_TRUE(leads_to(first));
  const int second = listen_at(fresh);
  EXPECT_FALSE(old.is_ours());
  EXPECT_TRUE(leads_to(second));
  old.remove();
  EXPECT_TRUE(leads_to(second)) << "the former server's end took the name of the new one away";
  fresh.remove();
  EXPECT_FALSE(fs::exists(path));
  EXPECT_TRUE(fs::is_empty(folder)) << "a draft is left";
}

TEST_F(control_place_test, a_stranger_who_answers_is_not_replaced_but_a_predecessor_is) {
  EXPECT_THAT(control_place(path).look(0), IsEmpty());
  control_place old(path);
  const int listener = listen_at(old);
  EXPECT_THAT(control_place(path).look(0), HasSubstr("another server answers"));
  EXPECT_THAT(control_place(path).look(1), HasSubstr("another server answers")) << "somebody else is to be replaced";
  EXPECT_THAT(control_place(path).look(::getpid()), IsEmpty());
  EXPECT_THAT(control_place(path).look(control_place::anybody), IsEmpty());
  ::close(listener);
  open.erase(std::ranges::find(open, listener));
  EXPECT_THAT(control_place(path).look(0), IsEmpty()) << "left by a process that died";
}

TEST_F(control_place_test, what_is_no_socket_stays) {
  std::ofstream(path) << "notes";
  EXPECT_THAT(control_place(path).look(control_place::anybody), HasSubstr("is not a socket"));
}

TEST_F(control_place_test, a_name_as_long_as_the_system_takes_is_enough) {
  fs::path deep = folder;
  while (deep.string().size() + 12 < 100)
    deep /= "abcdefghi";
  fs::create_directories(deep);
  path = deep / std::string(106 - deep.string().size(), 'c');
  ASSERT_EQ(path.string().size(), 107U);
  control_place place(path);
  EXPECT_TRUE(leads_to(listen_at(place)));
}

TEST_F(control_place_test, a_server_takes_its_name_back_from_one_that_came_to_nothing) {
  using namespace lyceum::supervision;
  control old(*tree, {.socket = path});
  ASSERT_TRUE(old.open().ok);
  old.shut(false);
  const auto answers = [&] {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    open.push_back(fd);
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, path.c_str(), path.string().size() + 1);
    const timeval limit{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      return false;
    const std::string_view line = "{\"id\":1,\"cmd\":\"nonsense\"}\n";
    char byte = 0;
    return ::send(fd, line.data(), line.size(), MSG_NOSIGNAL) > 0 && ::recv(fd, &byte, 1, 0) == 1;
  };
  EXPECT_TRUE(answers());
  old.reclaim(); // nothing to do
  EXPECT_TRUE(answers());
  {
    control_place fresh(path); // a new server that dies just after it has taken the name
    const int fd = listen_at(fresh);
    ::close(fd);
    open.erase(std::ranges::find(open, fd));
  }
  EXPECT_FALSE(answers());
  old.reclaim();
  EXPECT_TRUE(answers());
  old.close();
  EXPECT_FALSE(fs::exists(path));
}

} // namespace
