// SPDX-License-Identifier: Apache-2.0
// courses/<course>/: course.md, its lessons, what stands beside them.
#include "storage/content_parts.hpp"
#include "storage/words.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <tuple>

namespace lyceum::storage {
namespace {

constexpr std::array<std::string_view, 3> film_extensions = {".mp4", ".webm", ".m4v"};
constexpr std::array<std::string_view, 5> poster_extensions = {".jpg", ".jpeg", ".png", ".webp", ".avif"};

class reader {
public:
  reader(const reading_context& with, const scope_name& scope, course_source& out)
      : with_(with), folder_(scope + "/"), out_(out) {
    const text_name name = split_text_name(file_name_of(scope));
    out_.slug = name.numbered ? name.bare : std::string(file_name_of(scope));
    out_.position = name.position;
  }

  void read(const std::vector<source_file>& files) {
    if (const auto wrong = slug_fault(out_.slug); !wrong.empty()) {
      out_.faults.push_back(error_in(folder_, 0, wrong + "; rename the folder"));
      for (const auto& file : files)
        out_.held.push_back(file.path);
      return;
    }
    sort_out(files);
    read_course_texts();
    choose_slugs();
    names_.emplace(folder_, out_.media, with_.shared);
    for (const auto& [stem, slug] : slugs_)
      if (slug != split_text_name(stem).bare)
        names_->add_slug(stem, slug);
    for (auto& text : out_.texts) {
      text.input.base_path = paths::course(out_.slug, text.language, with_.site->language) + "/";
      names_->resolve(text);
    }
    for (const auto& text : course_texts_)
      hold_unrendered(*text);
    for (const auto& lesson : lessons_) {
      warn_of_odd_language(with_, *lesson->file, lesson->name, originals_.contains(lesson->name.stem), out_.faults);
      take_lesson(*lesson);
    }
    std::sort(out_.lessons.begin(), out_.lessons.end(), [](const text_source& a, const text_source& b) {
      return std::tie(a.position, a.slug, a.language) < std::tie(b.position, b.slug, b.language);
    });
  }

private:
  void sort_out(const std::vector<source_file>& files) {
    std::vector<source_file> media;
    for (const auto& file : files) {
      const auto name = file_name_of(file.path);
      const bool here = folder_of(file.path) == folder_;
      if (!name.ends_with(".md")) {
        media.push_back(file);
        continue;
      }
      text_name parts = split_text_name(name);
      if (here && parts.stem == "course")
        course_texts_.push_back(read_text(with_, file, std::move(parts), out_.faults));
      else if (here && parts.numbered)
        lessons_.push_back(read_text(with_, file, std::move(parts), out_.faults));
      else
        out_.faults.push_back(warning_in(file.path, 0,
                                         here ? "neither course.md nor NN-name.md; it is left out"
                                              : "texts stand in the course's folder itself; it is left out"));
    }
    out_.media = read_media(with_, media, out_.faults, out_.held);
  }

  void read_course_texts() {
    const open_text* original = nullptr;
    for (const auto& text : course_texts_)
      if (text->language == with_.site->language)
        original = text.get();
    const bool original_known = !original || original->ok;
    access who;
    if (original && original->ok)
      who = original->parsed.head.who.value_or(access{});
    for (const auto& text : course_texts_) {
      if (!text->parsed.head.slug.empty())
        out_.faults.push_back(warning_in(text->file->path, text->parsed.head.line_of("slug"),
                                         "a course's slug is its folder's name; \"slug\" is left aside"));
      text_source t;
      t.slug = out_.slug;
      if (!text->ok || !take_head(with_, *text, t, out_.faults)) {
        out_.held.push_back(text->file->path);
        if (text.get() == original)
          access_known_ = false;
        continue;
      }
      take_redirects(with_, *text, {"course", "", out_.slug}, t, out_.faults);
      t.who = text->parsed.head.who.value_or(who);
      if (!text->parsed.head.who && !original_known) {
        out_.held.push_back(text->file->path);
        continue;
      }
      out_.texts.push_back(std::move(t));
    }
    inherited_ = who;
    if (!original)
      make_up_title();
  }

  void hold_unrendered(const open_text& from) {
    const auto is_it = [&](const text_source& t) { return t.path == from.file->path; };
    const auto taken = std::find_if(out_.texts.begin(), out_.texts.end(), is_it);
    if (taken == out_.texts.end() || can_be_rendered(with_, from, *taken, out_.faults))
      return;
    out_.texts.erase(taken);
    hold(from);
  }

  // A course without course.md is there, with its folder's name for a title.
  void make_up_title() {
    out_.faults.push_back(warning_in(folder_ + "course.md", 0, "missing; the course's title is its folder's name"));
    text_source t;
    t.slug = out_.slug;
    t.language = with_.site->language;
    t.title = out_.slug;
    std::replace(t.title.begin(), t.title.end(), '-', ' ');
    if (t.title.front() >= 'a' && t.title.front() <= 'z')
      t.title.front() = static_cast<char>(t.title.front() - 'a' + 'A');
    t.reading_minutes = 1;
    t.input.trusted_html = with_.site->trusted_html;
    out_.texts.push_back(std::move(t));
  }

  // A lesson's slug is what its original states, else what a translation states, else its file's name without NN.
  void choose_slugs() {
    for (const auto& lesson : lessons_) {
      const std::string& stated = lesson->parsed.head.slug;
      const bool original = lesson->language == with_.site->language;
      if (original)
        originals_[lesson->name.stem] = lesson.get();
      auto& slug = slugs_[lesson->name.stem];
      if (slug.empty() || (original && !stated.empty()))
        slug = stated.empty() ? lesson->name.bare : stated;
      else if (!stated.empty() && slug == lesson->name.bare && !originals_.contains(lesson->name.stem))
        slug = stated;
    }
  }

  void hold(const open_text& lesson) { out_.held.push_back(lesson.file->path); }
  void fail(const open_text& lesson, std::string_view key, std::string message) {
    out_.faults.push_back(error_in(lesson.file->path, lesson.parsed.head.line_of(key), std::move(message)));
    hold(lesson);
  }

  void take_lesson(const open_text& lesson) {
    const front_matter& head = lesson.parsed.head;
    text_source t;
    if (!lesson.ok || !take_head(with_, lesson, t, out_.faults))
      return hold(lesson);
    t.slug = slugs_[lesson.name.stem];
    if (const auto wrong = slug_fault(t.slug); !wrong.empty())
      return fail(lesson, "slug", wrong);
    if (!head.slug.empty() && head.slug != t.slug)
      return fail(lesson, "slug", "a translation has the slug of its original, \"" + t.slug + "\"");
    const auto [first, fresh] = taken_.emplace(t.slug + "\n" + t.language, lesson.file->path);
    if (!fresh)
      return fail(lesson, "slug", "two lessons have the slug \"" + t.slug + "\": this one and " + first->second);
    if (!take_access(lesson, t))
      return hold(lesson);
    if (!take_film(lesson, t))
      return hold(lesson);
    take_redirects(with_, lesson, {"lesson", out_.slug, t.slug}, t, out_.faults);
    t.input.base_path = paths::course(out_.slug, t.language, with_.site->language) + "/";
    names_->resolve(t);
    if (!can_be_rendered(with_, lesson, t, out_.faults))
      return hold(lesson);
    out_.lessons.push_back(std::move(t));
  }

  // Its own, else its original's, else its course's. Where the file to inherit from is wrong, nobody knows: it waits.
  bool take_access(const open_text& lesson, text_source& t) {
    if (lesson.parsed.head.who) {
      t.who = *lesson.parsed.head.who;
      return true;
    }
    const auto known = originals_.find(lesson.name.stem);
    const open_text* original = known == originals_.end() ? nullptr : known->second;
    if (original && original != &lesson && (!original->ok || original->parsed.head.who)) {
      if (!original->ok)
        return wait_for(lesson, original->file->path);
      t.who = *original->parsed.head.who;
      return true;
    }
    if (!access_known_)
      return wait_for(lesson, folder_ + "course.md");
    t.who = inherited_;
    return true;
  }
  bool wait_for(const open_text& lesson, const std::string& other) {
    out_.faults.push_back(warning_in(lesson.file->path, 0, "waits for " + other + ", whose access it takes over"));
    return false;
  }

  const media_source* beside(const std::string& stem, const std::string& language,
                             std::span<const std::string_view> extensions) {
    for (const auto extension : extensions) {
      if (const auto* own = names_->find(stem + "." + language + std::string(extension)))
        return own;
      if (const auto* common = names_->find(stem + std::string(extension)))
        return common;
    }
    return nullptr;
  }

  bool take_film(const open_text& lesson, text_source& t) {
    std::string stem = lesson.name.stem;
    const media_source* film = nullptr;
    if (const std::string& stated = lesson.parsed.head.video; !stated.empty()) {
      film = names_->find(stated);
      if (!film || !film->content_type.starts_with("video/")) {
        out_.faults.push_back(error_in(lesson.file->path, lesson.parsed.head.line_of("video"),
                                       film ? "\"" + stated + "\" is not a video (mp4, webm)"
                                            : "the video \"" + stated + "\" is not in the folder"));
        return false;
      }
      stem = film->path.substr(0, film->path.rfind('.'));
      if (stem.starts_with(folder_))
        stem.erase(0, folder_.size());
      else
        stem.insert(0, "/");
    } else {
      film = beside(stem, t.language, film_extensions);
    }
    if (!film)
      return true;
    t.has_video = true;
    t.uses.push_back({"video", "", film->path, film->key, t.who});
    if (const auto* poster = beside(stem, t.language, poster_extensions))
      t.uses.push_back({"poster", "", poster->path, poster->key, t.who});
    take_captions(stem, t);
    if (t.duration.count() == 0)
      if (const auto known = originals_.find(lesson.name.stem); known != originals_.end())
        t.duration = known->second->parsed.head.duration.value_or(std::chrono::seconds(0));
    return true;
  }

  void take_captions(const std::string& stem, text_source& t) {
    std::set<std::string> tracks;
    for (const auto& file : with_.shared&& stem.starts_with('/') ? *with_.shared : out_.media) {
      std::string_view name = file.path;
      if (name.starts_with(folder_))
        name.remove_prefix(folder_.size());
      const std::string_view whole = stem.starts_with('/') ? std::string_view(stem).substr(1) : std::string_view(stem);
      if (!name.starts_with(whole) || !name.ends_with(".vtt"))
        continue;
      std::string track = lower_ascii(name.substr(whole.size(), name.size() - whole.size() - 4));
      if (track.empty())
        track = "." + with_.site->language;
      if (track.front() != '.' || !is_language(track.substr(1)) || !tracks.insert(track).second)
        continue;
      t.uses.push_back({"captions", track.substr(1), file.path, file.key, t.who});
    }
  }

  const reading_context& with_;
  std::string folder_;
  course_source& out_;
  std::vector<std::unique_ptr<open_text>> course_texts_;
  std::vector<std::unique_ptr<open_text>> lessons_;
  std::map<std::string, const open_text*> originals_; // by stem
  std::map<std::string, std::string> slugs_;          // by stem
  std::map<std::string, std::string> taken_;          // slug and language → path
  std::optional<neighbours> names_;
  access inherited_;
  bool access_known_ = true;
};

} // namespace

course_source read_course(const reading_context& with, const scope_name& scope, const std::vector<source_file>& files) {
  course_source out;
  reader(with, scope, out).read(files);
  return out;
}

} // namespace lyceum::storage
