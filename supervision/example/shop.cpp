// SPDX-License-Identifier: Apache-2.0
// A shop whose till may break: a tree, a crash, its healing, children on demand, and a control socket.
#include <supervision/control.hpp>
#include <supervision/supervisor.hpp>
#include <supervision/system.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <iostream>

using namespace lyceum::supervision;
using namespace std::chrono_literals;
using add_atom = caf::atom_constant<caf::atom("add")>;
using greet_atom = caf::atom_constant<caf::atom("greet")>;

// An ordinary function actor. What it throws ends it, and its supervisor makes a new one.
caf::behavior till(caf::stateful_actor<int>* self) {
  on_inspect(self, [self] { return "cents: " + std::to_string(self->state); });
  return {[self](add_atom, int cents) {
    if (cents < 0)
      throw std::invalid_argument("negative price");
    return self->state += cents;
  }};
}

// One for each customer who is in: made on demand, gone when it is done.
caf::behavior customer(caf::event_based_actor*, std::string name) {
  return {[name](greet_atom) { return "hello, " + name; }};
}

int pay(lyceum::supervision::system& tree,
        int cents) { // from outside the tree; actors use ask(), which waits out a restart
  caf::scoped_actor me(tree.actors());
  int total = -1;
  me->request(caf::actor_cast<caf::actor>(tree.named("till").handle()), 5s, add_atom::value, cents)
      .receive([&](int now) { total = now; }, [](const caf::error&) {});
  return total;
}

std::string over_the_socket(const std::string& path, const std::string& line) { // what an operator's tool does
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, path.c_str(), sizeof at.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string answer;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 && ::send(fd, line.data(), line.size(), 0) > 0)
    for (char c = 0; ::recv(fd, &c, 1, 0) == 1 && c != '\n';)
      answer += c;
  ::close(fd);
  return answer;
}

int main(int count, char** args) {
  const std::string socket = count > 1 ? args[1] : "shop.sock";
  auto config = caf_config(); // the scheduler as it must be
  caf::actor_system actors(*config);
  lyceum::supervision::system tree(actors,
                                   {.log = [](const std::string& line) { std::cout << "log: " + line + "\n"; }});
  control door(tree, {.socket = socket});

  const auto up = tree.start(supervisor(
      {.id = "shop"}, {.strategy = strategy::one_for_one, .intensity = 3, .period = 10s},
      {
          worker({.id = "till"}, [](birth& at) { return at.pooled(till); }),
          dynamic_supervisor({.id = "customers"}, {.max_children = 2},
                             [](birth& at) { return at.pooled(customer, at.args().get_as<std::string>(0)); }),
          control_socket(door),
      }));
  if (!up || !door.open())
    return std::cerr << "cannot start: " << up.detail << "\n", 1;

  std::cout << "till holds " << pay(tree, 250) << "\n";
  pay(tree, -1); // a crash: this request gets an error, and that is all
  const auto until = std::chrono::steady_clock::now() + 5s;
  bool healed = false;
  while (!healed && std::chrono::steady_clock::now() < until) {
    const auto seen = tree.states().below("till").front(); // what an operator sees, from any thread
    healed = seen.generation == 2 && seen.state == node_state::running;
  }
  if (!healed)
    return std::cerr << "the till stays broken\n", 1;
  std::cout << "healed, holds " << pay(tree, 100) << "\n";
  std::cout << "last crash: " << tree.crashes().recent(1).front().reason << "\n";

  for (const auto* name : {"Ada", "Grace", "Joe"}) {
    const auto came = tree.start_child("customers", caf::make_message(std::string(name)));
    std::cout << name << ": " << name_of(came.error) << "\n";
  }
  std::cout << "active: " << tree.count_children("customers").counts.active << "\n";
  std::cout << "socket: " << over_the_socket(socket, "{\"id\":1,\"cmd\":\"show\",\"args\":[\"till\"]}\n") << "\n";
  return tree.stop(5s) ? 0 : 1;
}
