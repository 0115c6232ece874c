using Microsoft.AspNetCore.Builder;

namespace Sync.Http;

/// <summary>Refuses names in a path that break the rules.</summary>
public static class RecordNames
{
    /// <summary>Place it behind the check of callers: who may not come in is not told what is wrong with a name.</summary>
    public static IApplicationBuilder UseRecordNameRefusal(this IApplicationBuilder app) => app.Use(next => context =>
        context.Features.Get<RecordTarget>()?.Wrong is { } wrong
            ? RecordProblems.InvalidName(wrong).AnswerAsync(context)
            : next(context));
}
