using Microsoft.AspNetCore.Http.Features;

namespace Sync.Writer.Http;

/// <summary>Puts the names of a path aside before routing and routes by their count alone, so that no character of a
/// name can change the route.</summary>
internal static class RecordTargets
{
    private const string Vaults = "/v1/vaults/";
    private const string History = "/v1/history/";

    public static IApplicationBuilder UseRecordTargets(this IApplicationBuilder app) => app.Use(next => context =>
    {
        var raw = RecordTarget.PathOf(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        foreach (var prefix in (ReadOnlySpan<string>)[Vaults, History])
        {
            if (RecordTarget.TryRead(raw, prefix, out var target))
            {
                context.Features.Set(target);
                context.Request.Path = prefix + (target!.Key is null ? "v/c" : "v/c/k");
                return target.Wrong is null ? next(context) : Problems.InvalidName(target.Wrong).AnswerAsync(context);
            }
        }
        // A path that only looks like one of these once the framework has decoded it has no names to go with it.
        if (LooksLike(context.Request.Path, "/v1/vaults") || LooksLike(context.Request.Path, "/v1/history"))
            context.Request.Path = "/-";
        return next(context);
    });

    private static bool LooksLike(PathString path, string route) =>
        path.StartsWithSegments(route, StringComparison.OrdinalIgnoreCase);
}
