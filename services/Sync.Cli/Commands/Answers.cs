using System.Net;
using System.Text;
using System.Text.Json;

namespace Sync.Cli.Commands;

/// <summary>What to say when a writer does not answer with what was asked for.</summary>
internal static class Answers
{
    public static int Refused(Connection connection, HttpStatusCode status, byte[] body)
    {
        if (status == HttpStatusCode.Unauthorized)
            return Run.Fail(connection, Detail(body) + " Give it with --token-file, or as SYNC_TOKEN.", ExitCode.Wrong);
        var code = (int)status >= 500 ? ExitCode.Unreachable : status == HttpStatusCode.BadRequest ? ExitCode.BadCall : ExitCode.Wrong;
        return Run.Fail(connection, Detail(body) ?? $"the writer answered {(int)status}: {Encoding.UTF8.GetString(body)}", code);
    }

    private static string? Detail(byte[] body)
    {
        try
        {
            using var problem = JsonDocument.Parse(body);
            return problem.RootElement.TryGetProperty("detail", out var detail) ? detail.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
