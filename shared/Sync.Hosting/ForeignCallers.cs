using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Sync.Hosting;

/// <summary>Keeps web pages of other origins away from a loopback service: a request must name a known host (else a
/// page could reach it by a name that resolves to loopback), and an unsafe one must not carry a foreign
/// origin.</summary>
public static class ForeignCallers
{
    private static readonly string[] Loopback = ["localhost", "127.0.0.1", "[::1]"];

    /// <summary>Refuses requests with a foreign <c>Host</c> (421), and unsafe ones with a foreign <c>Origin</c>
    /// (403).</summary>
    /// <param name="app">The application.</param>
    /// <param name="hosts">Further host names to answer to, without port.</param>
    /// <param name="origins">Further origins to take, e.g. <c>http://localhost:3000</c>.</param>
    public static IApplicationBuilder UseForeignCallerRefusal(
        this IApplicationBuilder app, IEnumerable<string> hosts, IEnumerable<string> origins)
    {
        var knownHosts = new HashSet<string>(Loopback.Concat(hosts), StringComparer.OrdinalIgnoreCase);
        var knownOrigins = new HashSet<string>(origins, StringComparer.OrdinalIgnoreCase);
        return app.Use(next => context => Check(context, knownHosts, knownOrigins) is { } problem
            ? problem.AnswerAsync(context)
            : next(context));
    }

    private static Problem? Check(HttpContext context, HashSet<string> hosts, HashSet<string> origins)
    {
        var request = context.Request;
        if (!hosts.Contains(request.Host.Host))
            return CommonProblems.ForeignHost(
                "The Host header must name this service: localhost, 127.0.0.1, [::1], or a host of its settings.");
        if (IsSafe(request.Method) || request.Headers.Origin.Count == 0) return null;
        var origin = request.Headers.Origin.ToString();
        return IsOwn(origin, request.Host) || origins.Contains(origin)
            ? null
            : CommonProblems.ForeignOrigin(
                "Unsafe requests are taken from this service's own origin or one of its settings only.");
    }

    private static bool IsSafe(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);

    private static bool IsOwn(string origin, HostString host) =>
        string.Equals(origin, "http://" + host.Value, StringComparison.OrdinalIgnoreCase);
}
