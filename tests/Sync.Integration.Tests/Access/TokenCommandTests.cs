using System.Net;
using Shouldly;
using Sync.Access;
using Sync.Integration.Tests.Cli;
using Sync.Testing.Postgres;
using Xunit;

namespace Sync.Integration.Tests.Access;

/// <summary><c>sync token</c> as a process, against a writer that asks for tokens.</summary>
public sealed class TokenCommandTests(PostgresFixture postgres) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sync-token-").FullName;
    private int _runs;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_token_is_made_used_listed_and_revoked()
    {
        await using var rig = await AccessRig.StartAsync(postgres);
        var (root, made) = (PathOf("root"), PathOf("made"));
        await File.WriteAllTextAsync(root, rig.Root + "\n");

        var create = await RunAsync(
            rig, "token", "create", "write:acme/*", "read:acme/*", "--label", "web", "--expires", "2h", "--out", made, "--token-file", root);
        create.Code.ShouldBe(0, create.Err);
        var token = (await File.ReadAllTextAsync(made)).Trim();
        AccessToken.IsWellFormed(token).ShouldBeTrue();
        (create.Out + create.Err).ShouldNotContain(token[22..]);
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(made).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        (await RunAsync(rig, "token", "create", "status", "--label", "x", "--out", made, "--token-file", root)).Code.ShouldBe(2);

        (await RunAsync(rig, "put", "acme", "note", "a", "1", "--token-file", made)).Code.ShouldBe(0);
        (await RunAsync(rig, "get", "acme", "note", "a", "--token-file", made)).Out.Trim().ShouldBe("1");
        var without = await RunAsync(rig, "get", "acme", "note", "a");
        without.Code.ShouldBe(1);
        without.Err.ShouldContain("--token-file");
        var elsewhere = await RunAsync(rig, "get", "other", "note", "a", "--token-file", made);
        elsewhere.Code.ShouldBe(1);
        elsewhere.Err.ShouldContain("read:other/note");
        (await RunAsync(rig, "token", "list", "--token-file", made)).Err.ShouldContain("the scope admin");

        var id = AccessToken.IdOf(token).ToString();
        (await RunAsync(rig, "token", "list", "--token-file", root)).Out.ShouldContain(id);
        var wrong = await RunAsync(rig, "token", "revoke", token, "--token-file", root);
        wrong.Code.ShouldBe(2);
        wrong.Err.ShouldNotContain(token[22..]);
        (await RunAsync(rig, "token", "revoke", id, "--token-file", root)).Out.ShouldContain(id + " is revoked");
        (await RunAsync(rig, "token", "list", "--json", "--token-file", root)).Json.GetProperty("state").GetString().ShouldBe("revoked");
        (await rig.SendAsync("GET", "/v1/vaults/acme/note/a", token)).Status.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_root_token_is_made_without_a_service()
    {
        var nowhere = new Uri("http://127.0.0.1:1");
        var file = PathOf("root");
        var root = await RunAsync(nowhere, "token", "root", "--out", file);
        root.Code.ShouldBe(0, root.Err);
        root.Out.Trim().ShouldBe(AccessToken.HashOf((await File.ReadAllTextAsync(file)).Trim()).ToString());
        (await RunAsync(nowhere, "token", "show-scopes")).Out.ShouldContain("GROUP--*");
        var pasted = PathOf("nothing");
        await File.WriteAllTextAsync(pasted, "canary-secret");
        var wrong = await RunAsync(nowhere, "token", "list", "--token-file", pasted);
        wrong.Code.ShouldBe(2);
        wrong.Err.ShouldNotContain("canary-secret");
    }

    private string PathOf(string name) => Path.Combine(_folder, name);

    private Task<CliResult> RunAsync(AccessRig rig, params string[] arguments) => RunAsync(rig.Writers[0], arguments);

    private Task<CliResult> RunAsync(Uri writer, params string[] arguments) =>
        CliRun.Start(arguments, "/dev/null", PathOf($"run-{Interlocked.Increment(ref _runs)}"), writer.ToString(), "").ResultAsync();
}
