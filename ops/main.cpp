// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/commands.hpp"
#include "ops/commands/ctl.hpp"
#include "storage/model/id.hpp"

#include <exception>
#include <iostream>
#include <type_traits>

#ifndef LYCEUM_VERSION
#define LYCEUM_VERSION "unknown"
#endif

int main(int argc, char** argv) {
  using namespace lyceum;
  const std::vector<std::string> arguments(argv, argv + argc);
  try {
    choose_node(); // servers and commands share a database
    return std::visit(
        [&](const auto& asked) -> int {
          using kind = std::decay_t<decltype(asked)>;
          if constexpr (std::is_same_v<kind, cli::finished>) {
            (asked.status == cli::status_done ? std::cout : std::cerr) << asked.text;
            return asked.status;
          } else if constexpr (std::is_same_v<kind, cli::serve>) {
            return run_serve(asked, arguments);
          } else if constexpr (std::is_same_v<kind, cli::ctl>) {
            const auto cfg = load_config({}, read_environment());
            return ops::run_ctl(asked.arguments, cfg ? cfg->control.string() : "lyceum-data/control.sock");
          } else if constexpr (std::is_same_v<kind, cli::new_school>) {
            return run_new_school(asked);
          } else if constexpr (std::is_same_v<kind, cli::import>) {
            return run_import(asked);
          } else if constexpr (std::is_same_v<kind, cli::check>) {
            return run_check(asked);
          } else if constexpr (std::is_same_v<kind, cli::render>) {
            return run_render(asked);
          } else if constexpr (std::is_same_v<kind, cli::migrate>) {
            return run_migrate(asked);
          } else if constexpr (std::is_same_v<kind, cli::user>) {
            return run_user(asked);
          } else if constexpr (std::is_same_v<kind, cli::mail>) {
            return run_mail(asked);
          } else {
            std::cout << "lyceum " LYCEUM_VERSION "\n";
            return cli::status_done;
          }
        },
        cli::parse({arguments.begin() + 1, arguments.end()}));
  } catch (const std::exception& fault) {
    return complain(fault.what());
  }
}
