using System.Net;
using System.Text.Json;
using Shouldly;
using Sync.Integration.Tests.Writer;

namespace Sync.Integration.Tests.Access;

/// <summary>One way to call a route, and the scopes that it needs.</summary>
/// <param name="Route">As in the OpenAPI document: <c>get /v1/facts</c>.</param>
/// <param name="Url">What to ask for; names of vaults and collections must be those of the scopes.</param>
/// <param name="Scopes">Exactly what is needed; none for a route that anybody may ask.</param>
/// <param name="Body">Sent along; null = nothing.</param>
/// <param name="ContentType">Of the body.</param>
/// <param name="Lines">True: each line of the body is checked, and refused in the answer.</param>
internal sealed record RouteRow(
    string Route, string Url, string[] Scopes, string? Body = null, string ContentType = "application/json", bool Lines = false);

/// <summary>Every route of a service × every kind of token, from the service's own OpenAPI document: a route without a row
/// fails, and so does a row whose action is not the document's.</summary>
/// <param name="rig">Makes tokens.</param>
/// <param name="service">The service; it must know the rig's tokens soon.</param>
/// <param name="rows">At least one for each route.</param>
internal sealed class RouteMatrix(AccessRig rig, Uri service, RouteRow[] rows)
{
    private readonly Dictionary<string, string> _tokens = new(StringComparer.Ordinal);

    /// <summary>Calls that were made.</summary>
    public int Calls { get; private set; }

    public async Task RunAsync()
    {
        var actions = await ActionsAsync();
        rows.Select(row => row.Route).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .ShouldBe(actions.Keys.Order(StringComparer.Ordinal), "each route of the document needs a row, and no row another route");
        foreach (var row in rows)
        {
            var action = actions[row.Route];
            if (action == "anonymous") await AnonymousAsync(row);
            else await NeededAsync(row, action);
        }
    }

    private async Task AnonymousAsync(RouteRow row)
    {
        row.Scopes.ShouldBeEmpty(row.Route);
        (await CallAsync(row, null)).Status.ShouldBe(HttpStatusCode.OK, row.Route);
        (await CallAsync(row, "nonsense")).Status.ShouldBe(HttpStatusCode.OK, row.Route);
    }

    private async Task NeededAsync(RouteRow row, string action)
    {
        row.Scopes.ShouldContain(scope => scope == action || scope.StartsWith(action + ":", StringComparison.Ordinal), row.Route);
        var all = string.Join(' ', row.Scopes);
        await RefusedAsync(row, null, HttpStatusCode.Unauthorized, "token-missing");
        foreach (var malformed in new[] { "", "nonsense", "sync_x_y", (await TokenAsync("good", row.Scopes)) + "A" })
            await RefusedAsync(row, malformed, HttpStatusCode.Unauthorized, "token-invalid");
        foreach (var kind in new[] { "unknown", "expired", "revoked" })
            await RefusedAsync(row, await TokenAsync(kind, row.Scopes), HttpStatusCode.Unauthorized, "token-invalid");
        await RefusedAsync(row, await TokenAsync("purpose", row.Scopes), HttpStatusCode.Forbidden, "wrong-purpose");
        foreach (var lacking in Lacking(row.Scopes))
        {
            var token = await TokenAsync("good", lacking);
            var said = $"{row.Route} needs {all}, has {string.Join(' ', lacking)}";
            if (row.Lines) await LineRefusedAsync(row, token, said);
            else await RefusedAsync(row, token, HttpStatusCode.Forbidden, "forbidden", said);
        }
        foreach (var right in new[] { row.Scopes, [.. row.Scopes.Select(Widened).Distinct(StringComparer.Ordinal)] })
        {
            var answer = await CallAsync(row, await TokenAsync("good", right));
            IsLetIn(answer).ShouldBeTrue($"{row.Route} with {string.Join(' ', right)}: {answer.Status} {answer.Text}");
            if (row.Lines) answer.Text.ShouldNotContain("forbidden");
        }
        (await CallAsync(row, await TokenAsync("purpose", row.Scopes), "audit")).Status
            .ShouldNotBe(HttpStatusCode.Forbidden, row.Route + " for its purpose");
    }

    // Anything but a refusal of the caller or a failure: what was asked for may not be there.
    private static bool IsLetIn(Answer answer) =>
        (int)answer.Status < 500 && answer.Status is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden);

    /// <summary>Every way in which scopes are not enough: one of them missing while all else is allowed, or on another vault,
    /// another collection, another group.</summary>
    private static IEnumerable<string[]> Lacking(string[] scopes)
    {
        foreach (var missing in scopes)
        {
            string[] others = [.. scopes.Where(scope => scope != missing)];
            var (action, vault, collection) = Split(missing);
            string[] elsewhere = [.. new[] { "read:*/*", "write:*/*", "status", "admin" }.Where(scope => Split(scope).Action != action)];
            yield return [.. others.Union(elsewhere, StringComparer.Ordinal)];
            if (vault is null) continue;
            // The scopes that are wider still allow it; these do not.
            var isGroup = vault.EndsWith("--*", StringComparison.Ordinal);
            string[] aside = vault == "*" ? ["acme", "g--*"]
                : isGroup ? ["other", "x" + vault, vault[..^1] + "a", vault[..^3]] : ["other", vault + "2", vault + "--*"];
            foreach (var one in aside) yield return [.. others, $"{action}:{one}/{collection}"];
            yield return [.. others, $"{action}:{vault}/{(collection == "*" ? "note" : collection + "2")}"];
        }
    }

    private static string Widened(string scope) => Split(scope) is (var action, { } vault, _) && vault[0] != '_' ? $"{action}:*/*" : scope;

    private static (string Action, string? Vault, string? Collection) Split(string scope)
    {
        var parts = scope.Split(':', '/');
        return parts.Length == 3 ? (parts[0], parts[1], parts[2]) : (scope, null, null);
    }

    private async Task RefusedAsync(RouteRow row, string? token, HttpStatusCode status, string problem, string? said = null)
    {
        var answer = await CallAsync(row, token);
        answer.Status.ShouldBe(status, $"{said ?? row.Route}: {answer.Text}");
        answer.Problem.ShouldBe(problem, said ?? row.Route);
        if (token is { Length: > 30 }) answer.Text.ShouldNotContain(token[25..]);
        if (status == HttpStatusCode.Unauthorized)
            answer.Header("WWW-Authenticate").ShouldBe(
                problem == "token-missing" ? "Bearer" : "Bearer error=\"invalid_token\"", row.Route);
    }

    private async Task LineRefusedAsync(RouteRow row, string token, string said)
    {
        var answer = await CallAsync(row, token);
        answer.Status.ShouldBe(HttpStatusCode.OK, said);
        answer.Lines.Count.ShouldBeGreaterThan(0);
        foreach (var line in answer.Lines) Answer.ProblemOf(line).ShouldBe("forbidden", said);
    }

    private Task<Answer> CallAsync(RouteRow row, string? token, string? purpose = null)
    {
        Calls++;
        return rig.SendAsync(
            new Uri(service, row.Url), row.Route.Split(' ')[0].ToUpperInvariant(), token, row.Body, row.ContentType, purpose);
    }

    // One token of each kind and list of scopes, however many routes ask for it.
    private async Task<string> TokenAsync(string kind, string[] scopes)
    {
        var name = $"{kind} {string.Join(' ', scopes)}";
        if (_tokens.TryGetValue(name, out var known)) return known;
        var token = kind switch
        {
            "expired" => await rig.ExpiredAsync(scopes),
            "unknown" => Sync.Access.AccessToken.Mint(),
            "purpose" => await rig.IssueAsync(scopes, "audit"),
            _ => await rig.IssueAsync(scopes),
        };
        if (kind == "revoked") await rig.RevokeAsync(token);
        await WriterUnderTest.UntilAsync(() => IsKnownAsync(kind, token));
        return _tokens[name] = token;
    }

    // Hosts hear of a token a moment after it was made; then each kind is refused for what it is.
    private async Task<bool> IsKnownAsync(string kind, string token)
    {
        var answer = await rig.SendAsync(new Uri(service, "/v1/status"), "GET", token);
        return kind switch
        {
            "unknown" => answer.Text.Contains("Nobody knows it", StringComparison.Ordinal),
            "expired" => answer.Text.Contains("It has expired", StringComparison.Ordinal),
            "revoked" => answer.Text.Contains("It was revoked", StringComparison.Ordinal),
            "purpose" => answer.Problem == "wrong-purpose",
            _ => answer.Status != HttpStatusCode.Unauthorized,
        };
    }

    private async Task<Dictionary<string, string>> ActionsAsync()
    {
        var document = (await rig.SendAsync(new Uri(service, "/openapi/v1.json"), "GET", null)).Json;
        var actions = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var path in document.GetProperty("paths").EnumerateObject())
            foreach (var operation in path.Value.EnumerateObject())
                actions[$"{operation.Name} {path.Name}"] = ActionOf(operation);
        return actions;
    }

    private static string ActionOf(JsonProperty operation)
    {
        var action = operation.Value.GetProperty("x-sync-action").GetString()!;
        var isOpen = action == "anonymous";
        operation.Value.TryGetProperty("security", out _).ShouldBe(!isOpen, operation.Value.ToString());
        foreach (var status in new[] { "401", "403" })
            operation.Value.GetProperty("responses").TryGetProperty(status, out _).ShouldBe(!isOpen, operation.Value.ToString());
        return action;
    }
}
