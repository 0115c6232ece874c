using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sync.Access;

namespace Sync.Http.Access;

/// <summary>What a route needs of its caller. Every route has one as metadata; start-up fails when one has none.</summary>
public sealed class AccessRule
{
    private readonly Func<HttpContext, AccessTarget>? _target;

    private AccessRule(AccessAction? action, string reach, Func<HttpContext, AccessTarget>? target) =>
        (Action, Reach, _target) = (action, reach, target);

    /// <summary>Anybody: liveness, readiness, the description of the routes.</summary>
    public static AccessRule Anonymous { get; } = new(null, "anonymous", null);

    /// <summary>What the caller wants to do; null = no token is needed.</summary>
    public AccessAction? Action { get; }

    /// <summary>Where vault and collection come from: <c>anonymous</c>, <c>none</c>, <c>path</c>, <c>query</c>, <c>body</c>. In
    /// the OpenAPI document as <c>x-sync-target</c>.</summary>
    public string Reach { get; }

    /// <summary>True for requests that go on for long: they are ended when their token is revoked or expires.</summary>
    public bool IsLong { get; private init; }

    /// <summary>True where a ticket does in place of a token.</summary>
    public bool TakesTicket { get; private init; }

    /// <summary>The same for a route whose requests go on for long.</summary>
    public AccessRule Lasting => new(Action, Reach, _target) { IsLong = true, TakesTicket = TakesTicket };

    /// <summary>The same for a route that also takes a ticket (<see cref="StreamTickets"/>).</summary>
    /// <exception cref="InvalidOperationException">It does not say by itself what a request is about.</exception>
    public AccessRule WithTicket => _target is null
        ? throw new InvalidOperationException("A ticket is for what the request says it is about.")
        : new(Action, Reach, _target) { IsLong = IsLong, TakesTicket = true };

    /// <summary>Needs <see cref="AccessAction.Status"/> or <see cref="AccessAction.Admin"/>.</summary>
    public static AccessRule Of(AccessAction action) => new(action, "none", static _ => AccessTarget.None);

    /// <summary>Needs the action on the vault and collection in the path (<see cref="RecordTarget"/>).</summary>
    public static AccessRule OfPath(AccessAction action) => new(action, "path", static context =>
    {
        var target = RecordTarget.Of(context);
        return AccessTarget.OfVault(target.Vault, target.Collection);
    });

    /// <summary>Needs the action on what the query parameters <c>vault</c>, <c>group</c> and <c>collection</c> name.</summary>
    /// <param name="action">The action.</param>
    /// <param name="without">What it is on when they name nothing: <see cref="AccessTarget.AllVaults"/> or
    /// <see cref="AccessTarget.Everything"/>.</param>
    public static AccessRule OfQuery(AccessAction action, AccessTarget without) => new(action, "query", context =>
    {
        // What is given twice is refused by the route, so the first is the only one.
        var collection = Queries.Text(context.Request, "collection");
        if (Queries.Text(context.Request, "vault") is { } vault) return AccessTarget.OfVault(vault, collection);
        return Queries.Text(context.Request, "group") is { } group ? AccessTarget.OfGroup(group, collection) : without;
    });

    /// <summary>Needs a good token; the route checks each part of its body against <see cref="AccessContext.Identity"/>.</summary>
    public static AccessRule OfBody(AccessAction action) => new(action, "body", null);

    /// <summary>What a request is about; null = the route finds out, or nothing is needed.</summary>
    internal AccessTarget? TargetOf(HttpContext context) => _target?.Invoke(context);
}

/// <summary>Gives routes their rules.</summary>
public static class AccessRules
{
    /// <summary>Adds a rule to a route.</summary>
    public static T WithAccess<T>(this T route, AccessRule rule) where T : IEndpointConventionBuilder =>
        route.WithMetadata(rule);

    /// <summary>Gives a route its rule and its description.</summary>
    public static void Needs(this RouteHandlerBuilder route, AccessRule rule, RouteDescription description) =>
        route.WithAccess(rule).WithMetadata(description);
}
