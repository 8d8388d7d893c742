// SPDX-License-Identifier: Apache-2.0
// What `lyceum` can be told to do. Each returns the process's exit status; what went wrong is one line on stderr.
#pragma once

#include "ops/commands/cli.hpp"

#include <string>
#include <vector>

namespace lyceum {

/// Serves a school until a signal ends it. `arguments` are the process's own, for the heart to start the server with.
int run_serve(const cli::serve& how, const std::vector<std::string>& arguments);

int run_import(const cli::import& how);
int run_check(const cli::check& how);
int run_new_school(const cli::new_school& how);
int run_render(const cli::render& how);
int run_migrate(const cli::migrate& how);
int run_user(const cli::user& how);
int run_mail(const cli::mail& how);

/// One line on stderr: "lyceum: " and what is wrong. Returns `status`.
int complain(const std::string& what, int status = cli::status_failed);

} // namespace lyceum
