using System.Text;
using Npgsql;
using Shouldly;
using Sync.Access;
using Sync.Integration.Tests.Telemetry;
using Sync.Testing.Postgres;

namespace Sync.Integration.Tests.Access;

/// <summary>Looks for the secrets of tokens wherever they could be left behind.</summary>
internal static class AccessLeaks
{
    // Behind "sync_", the public id and "_".
    private const int SecretAt = 22;

    /// <summary>No secret of any token is in what the processes and the broker said, in the database's files, or in a dump of
    /// it.</summary>
    public static async Task ShouldNotLeakAsync(this AccessRig rig, PostgresFixture postgres)
    {
        rig.Made.Count.ShouldBeGreaterThan(1);
        var said = rig.Output + rig.Broker.Log;
        said.ShouldContain("Request starting", customMessage: "the processes must log URLs too");
        said.ShouldContain("[DBG]", customMessage: "the broker must log all it can");
        foreach (var token in rig.Made) said.Contains(token[SecretAt..], StringComparison.Ordinal).ShouldBeFalse("in a log");

        var server = await postgres.ServerAsync();
        var dump = Path.GetTempFileName();
        try
        {
            await server.DumpAsync(rig.Database, dump);
            ShouldHoldHashesOnly(rig, [dump]);
        }
        finally
        {
            File.Delete(dump);
        }
        // The files of a server that is not ours are out of reach.
        if (server.IsExternal) return;
        await using (var connection = new NpgsqlConnection(rig.Database))
        {
            await connection.OpenAsync();
            // Writes what all tests beside this one have changed.
            await using var write = new NpgsqlCommand("checkpoint", connection) { CommandTimeout = 300 };
            await write.ExecuteNonQueryAsync();
        }
        ShouldHoldHashesOnly(rig, Directory.EnumerateFiles(server.DataFolder, "*", SearchOption.AllDirectories));
    }

    /// <summary>No secret of any token is in what a collector of traces and metrics got.</summary>
    public static void ShouldNotLeak(this AccessRig rig, Collector collector)
    {
        rig.Made.Count.ShouldBeGreaterThan(1);
        collector.Bodies.ShouldNotBeEmpty();
        var secrets = rig.Made.ConvertAll(token => Encoding.ASCII.GetBytes(token[SecretAt..]));
        foreach (var body in collector.Bodies)
            foreach (var secret in secrets) body.AsSpan().IndexOf(secret).ShouldBe(-1, "in what the collector got");
    }

    private static void ShouldHoldHashesOnly(AccessRig rig, IEnumerable<string> files)
    {
        var secrets = rig.Made.SelectMany(token => Forms(token[SecretAt..])).ToList();
        var hash = Forms(AccessToken.HashOf(rig.Made[^1]).ToString()).ToList();
        var found = false;
        foreach (var file in files)
        {
            var bytes = ReadOrEmpty(file);
            foreach (var secret in secrets) bytes.AsSpan().IndexOf(secret).ShouldBe(-1, file);
            found |= hash.Exists(form => bytes.AsSpan().IndexOf(form) >= 0);
        }
        found.ShouldBeTrue("the hash of the last token must be there: else the wrong files were searched");
    }

    // A dump shows bytes as hexadecimal digits.
    private static IEnumerable<byte[]> Forms(string text)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        return [bytes, Encoding.ASCII.GetBytes(Convert.ToHexStringLower(bytes))];
    }

    // Files of a server that runs come and go.
    private static byte[] ReadOrEmpty(string file)
    {
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
    }
}
