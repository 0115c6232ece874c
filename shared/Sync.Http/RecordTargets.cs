using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sync.Http;

/// <summary>Puts the names of a path aside before routing and routes by their count alone, so that no character of a
/// name can change the route.</summary>
public static class RecordTargets
{
    /// <summary>Reads the names of every path below one of the prefixes. Wrong ones are refused later
    /// (<see cref="RecordNames"/>).</summary>
    /// <param name="app">The application.</param>
    /// <param name="prefixes">Like <c>/v1/vaults/</c>.</param>
    public static IApplicationBuilder UseRecordTargets(this IApplicationBuilder app, params string[] prefixes) => app.Use(
        next => context =>
    {
        var raw = RecordTarget.PathOf(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        foreach (var prefix in prefixes)
        {
            if (RecordTarget.TryRead(raw, prefix, out var target))
            {
                context.Features.Set(target);
                context.Request.Path = prefix + (target!.Key is null ? "v/c" : "v/c/k");
                return next(context);
            }
        }
        // A path that only looks like one of these once the framework has decoded it has no names to go with it.
        foreach (var prefix in prefixes)
            if (IsBelow(context.Request.Path, prefix)) context.Request.Path = "/-";
        return next(context);
    });

    private static bool IsBelow(PathString path, string prefix) =>
        path.StartsWithSegments(prefix.TrimEnd('/'), StringComparison.OrdinalIgnoreCase, out var rest)
        && rest.Value is { Length: > 1 };
}
