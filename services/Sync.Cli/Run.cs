using System.CommandLine;
using Sync.Contracts;

namespace Sync.Cli;

/// <summary>Runs a command and turns what goes wrong into one clear line and an exit code.</summary>
internal static class Run
{
    public static async Task<int> GuardAsync(ParseResult parsed, Func<Connection, Task<int>> command)
    {
        var connection = Connection.From(parsed);
        try
        {
            return await command(connection);
        }
        catch (OperationCanceledException)
        {
            return Fail(connection, "interrupted", ExitCode.Interrupted);
        }
        catch (SyncException error)
        {
            var code = error.Code switch
            {
                SyncErrorCode.Invalid => ExitCode.BadCall,
                SyncErrorCode.BusUnavailable or SyncErrorCode.NoAnswer or SyncErrorCode.LedgerUnavailable => ExitCode.Unreachable,
                _ => ExitCode.Wrong,
            };
            return Fail(connection, error.Message, code);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Fail(connection, error.Message, ExitCode.Wrong);
        }
    }

    public static int Fail(Connection connection, string message, int code)
    {
        if (connection.Json) Output.Json(json => json.WriteString("error", message));
        else Console.Error.WriteLine("sync: " + message);
        return code;
    }
}
