# frozen_string_literal: true

# Runs "cutline prefetch" before Jekyll reads the site, so that "jekyll build" and "jekyll serve" need no step before them. Optional: the
# includes work without it, and GitHub Pages, which runs no plugins of a site's own, needs the step. In _config.yml, with these defaults:
#
#   cutline:
#     prefetch: true      # false leaves it to a step before
#     command: cutline
#     arguments: []       # as [--offline, --formats, "webp,jpg"]
Jekyll::Hooks.register :site, :after_reset do |site|
  options = site.config["cutline"] || {}
  next if options["prefetch"] == false

  command = [options["command"] || "cutline", "prefetch", *options["arguments"]].map(&:to_s)
  case system(*command, chdir: site.source)
  when nil then raise Jekyll::Errors::FatalException, "cutline: cannot run #{command.first}: is it in the PATH?"
  when false then raise Jekyll::Errors::FatalException, "cutline: prefetch failed, see above"
  end
end
