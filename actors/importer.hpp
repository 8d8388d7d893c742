// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/messages.hpp"
#include "actors/renderer.hpp"
#include "storage/db.hpp"
#include "storage/import.hpp"
#include "supervision/system.hpp"

#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace lyceum {

/// What the last import said; read by `ctl` and `doctor`. Outlives the importer.
class import_news {
public:
  void tell(storage::import_report report) {
    std::lock_guard lock(guard_);
    last_ = std::move(report);
  }
  std::optional<storage::import_report> last() const {
    std::lock_guard lock(guard_);
    return last_;
  }

private:
  mutable std::mutex guard_;
  std::optional<storage::import_report> last_;
};

struct importer_options {
  std::string url;                              ///< of the database: the importer has a connection of its own
  std::optional<std::filesystem::path> content; ///< nothing: only renders what is not rendered yet
  bool replace_content = false;
  std::function<void(const std::string&)> log;  ///< what an import did
  std::function<void(const std::string&)> warn; ///< what is wrong with the content
  std::function<bool()> active;       ///< false: another server imports, and this one stands by. Absent: it is us
  std::function<bool()> schema_ready; ///< false: the schema is still to come, or not this program's. Absent: it is
};

/// Makes the catalogue equal to the content folder, then makes every text's HTML, then colours their code.
///
///   import            the whole folder
///   import, paths     only what these files belong to
///
/// Detached: it reads files and writes transactions. A database that is away is a state: it tries again every 2 s (every 10 s where
/// it can only not be written: a full disk, say).
/// Crash: the course at hand is rolled back; the successor imports everything, which is quick where nothing changed.
caf::behavior importer(caf::event_based_actor* self, const importer_options* options, supervision::system* tree,
                       render_desk* desk, import_news* news);

/// The port to the `highlight` program: one process a batch and language. Detached.
///
///   colour_task_ptr   settled with coloured code by block hash
///
/// Crash: the batch fails as lost; its texts stay plain until the next import or start.
struct colour_task {
  std::string language;
  std::vector<code_block> blocks;
  std::function<void(std::vector<std::pair<std::string, std::string>>&&)> done; ///< once; empty where it failed
  ~colour_task() {
    if (done)
      done({});
  }
};
using colour_task_ptr = std::shared_ptr<colour_task>;
/// `child_pid`: of the program while it runs, else 0; `interrupt` kills it.
caf::behavior highlighter(caf::event_based_actor* self, std::atomic<int>* child_pid);

} // namespace lyceum

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::colour_task_ptr)
