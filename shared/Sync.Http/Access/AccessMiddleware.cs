using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Sync.Access;
using Sync.Hosting;

namespace Sync.Http.Access;

/// <summary>Lets requests in, or not: after routing, before the handler. What has no rule is not served.</summary>
public static class AccessMiddleware
{
    private static readonly string[] TokenParameters = ["access_token", "token", "bearer", "authorization"];

    /// <summary>Checks every request by the rule of its route. Place it behind routing.</summary>
    /// <param name="app">The application.</param>
    /// <param name="guard">Decides about tokens.</param>
    /// <param name="requests">Ends requests that go on for long when their token does.</param>
    /// <param name="logger">Takes the use of tokens that have a purpose.</param>
    /// <param name="tickets">Open routes that take tickets; null = there are none.</param>
    public static IApplicationBuilder UseAccess(
        this IApplicationBuilder app, AccessGuard guard, LongRequests requests, ILogger logger,
            StreamTickets? tickets = null) => app.Use(next => context =>
    {
        if (HasTokenInUrl(context.Request)) return AccessProblems.InUrl.AnswerAsync(context);
        // Without a route, or with one of the router's own answers (405), nothing is served.
        if (context.GetEndpoint() is not RouteEndpoint route) return next(context);
        var rule = route.Metadata.GetMetadata<AccessRule>()
            ?? throw new InvalidOperationException($"The route {route.RoutePattern.RawText} has no access rule.");
        if (rule.Action is not { } action) return next(context);
        var (identity, refusal) = Identify(context, rule, guard, tickets);
        if (identity is null) return RefuseAsync(context, refusal!);
        if (rule.TargetOf(context) is { } target && !identity.Covers(action, target))
            return AccessProblems.Forbidden(action, target).AnswerAsync(context);
        if (guard.IsPurposeToLog(identity))
            HttpLog.PurposeUsed(logger, identity.Label, identity.Record!.Id, identity.Record.Purpose!);
        context.Features.Set(identity);
        return rule.IsLong && !identity.IsOpen ? requests.RunAsync(context, identity, next) : next(context);
    });

    /// <summary>Refuses to start with a route that has no rule. Call it once all routes are mapped.</summary>
    /// <exception cref="StartupException">There is one.</exception>
    public static void RequireAccessRules(this IEndpointRouteBuilder routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        var without = routes.DataSources.SelectMany(source => source.Endpoints)
            .Where(endpoint => endpoint.Metadata.GetMetadata<AccessRule>() is null)
            .Select(endpoint => endpoint.DisplayName).ToArray();
        if (without.Length > 0)
            throw new StartupException(
                ExitCodes.Software, "Routes without an access rule are not served: " + string.Join(", ", without));
    }

    private static (AccessIdentity? Identity, Problem? Refusal) Identify(
        HttpContext context, AccessRule rule, AccessGuard guard, StreamTickets? tickets)
    {
        var request = context.Request;
        if (rule.TakesTicket && Queries.Text(request, StreamTickets.Parameter) is { } ticket)
        {
            var holder = tickets?.Redeem(ticket, rule.TargetOf(context)!.Value);
            return holder is not null && guard.Again(holder) == AccessState.Granted
                ? (holder, null)
                : (null, AccessProblems.BadTicket);
        }
        var result = guard.Check(
            Single(request.Headers.Authorization), Single(request.Headers[AccessProblems.PurposeHeader]));
        return result.State == AccessState.Granted
            ? (result.Identity, null)
            : (null, AccessProblems.Of(result.State));
    }

    private static Task RefuseAsync(HttpContext context, Problem problem)
    {
        if (problem.Status == StatusCodes.Status401Unauthorized)
            context.Response.Headers.WWWAuthenticate = AccessProblems.ChallengeOf(problem);
        return problem.AnswerAsync(context);
    }

    // What is sent twice is not a token: two could be meant, and the one that is checked might not be the one that is used.
    private static string? Single(Microsoft.Extensions.Primitives.StringValues values) => values.Count switch
    {
        0 => null,
        1 => values[0],
        _ => "",
    };

    private static bool HasTokenInUrl(HttpRequest request)
    {
        if (!request.QueryString.HasValue) return false;
        foreach (var (name, values) in request.Query)
        {
            if (TokenParameters.Contains(name, StringComparer.OrdinalIgnoreCase)) return true;
            foreach (var value in values)
                if (AccessToken.IsWellFormed(value)) return true;
        }
        return false;
    }
}
